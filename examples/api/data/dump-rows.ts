import { basename } from 'node:path'
import { HotpathError } from 'hotpath'
import { lines, type LinesOptions, type Pipeline, type XmlRow } from 'hotpath/stream'
import { DumpError } from './dump-error.ts'

/** The rows of one file of a Stack Exchange dump, plain or gzip'ed (`.gz`). */
export function dumpRows(path: string, options: Pick<LinesOptions, 'from'> = {}): Pipeline<XmlRow> {
  return lines(path, {
    ...options,
    // A row that is not quite what it was is worse than one that is missing, and named.
    invalidText: 'error',
    // By its name: what is no gzip at all is a damaged file, not a text.
    compression: path.endsWith('.gz') ? 'gzip' : false,
  }).xmlRows()
}

/** A file that cannot be read or decompressed, in one sentence; any other error as it is. */
export function unreadableFile(path: string, error: unknown): unknown {
  if (!(error instanceof HotpathError) || error.code !== 'HOTPATH_STREAM_SOURCE_FAILED') {
    return error
  }
  return new DumpError(error.message.replace(path, basename(path)), { cause: error })
}
