import { basename } from 'node:path'
import { HotpathError } from 'hotpath'
import { lines, type LinesOptions, type Pipeline, type XmlRow } from 'hotpath/stream'
import { DumpError } from './dump-error.ts'

/** The lines of one file of a Stack Exchange dump, plain or compressed. */
export function dumpLines(
  path: string,
  options: Pick<LinesOptions, 'from' | 'compression'> = {},
): Pipeline<string> {
  // A row that is not quite what it was is worse than one that is missing, and named.
  return lines(path, { ...options, invalidText: 'error' })
}

/** Its rows. */
export function dumpRows(
  path: string,
  options: Pick<LinesOptions, 'from' | 'compression'> = {},
): Pipeline<XmlRow> {
  return dumpLines(path, options).xmlRows()
}

/** A file that cannot be read or decompressed, in one sentence; any other error as it is. */
export function unreadableFile(path: string, error: unknown): unknown {
  if (!(error instanceof HotpathError) || error.code !== 'HOTPATH_STREAM_SOURCE_FAILED') {
    return error
  }
  return new DumpError(error.message.replace(path, basename(path)), { cause: error })
}
