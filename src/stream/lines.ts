import type { LineSource } from './byte-source.ts'
import { resolveLinesOptions, type LinesOptions } from './lines-options.ts'
import { Pipeline } from './pipeline.ts'
import { readLines } from './read-lines.ts'

/**
 * The lines of a text, in constant memory however large it is. A line ends with LF, CRLF or CR
 * (not with U+2028 and others that only some call line ends), and the last one may have no end. A
 * file is closed when the loop is left, whichever way.
 *
 * Lines hold on to the 64 kB of text that they were read with: `filter` lets go of them when it
 * keeps few; who picks out a few lines by hand and keeps them for long copies them
 * (`Buffer.from(line).toString()`).
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID at once; HOTPATH_STREAM_SOURCE_FAILED and
 * HOTPATH_STREAM_ROW_FAILED while it is read
 *
 * @example
 * ```ts
 * for await (const line of lines('access.log.gz')) {
 *   if (line.includes(' 500 ')) console.log(line)
 * }
 * ```
 */
export function lines(source: LineSource, options: LinesOptions = {}): Pipeline<string> {
  const resolved = resolveLinesOptions(options)
  return new Pipeline((run) => readLines(source, resolved, run))
}
