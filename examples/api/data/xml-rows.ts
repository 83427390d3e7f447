import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DumpError } from './dump-error.ts'

/** One `<row .../>` of a dump's file. Values are decoded when they are asked for. */
export interface XmlRow {
  /**
   * The value of an attribute, without its entities.
   *
   * @throws UnreadableRow where the value holds something that is no XML
   */
  get(attribute: string): string | undefined
}

/** A line that is no row, and why. */
export interface RejectedRow {
  /** Counted from 1, as editors do. */
  readonly line: number
  readonly reason: string
}

/** Thrown by whoever reads a row and finds something that it cannot take. */
export class UnreadableRow extends Error {
  override readonly name: string = 'UnreadableRow'
}

/** How {@link readRows} reads. */
export interface ReadRowsOptions<T> {
  /** Makes of a row what the reader yields. It may throw {@link UnreadableRow}. */
  read: (row: XmlRow) => T
  /** Told about every line that cannot be read; reading goes on with the next one. */
  onRejected: (rejected: RejectedRow) => void
  /** Told how many bytes of the file (compressed, if it is) were read since the last call. */
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

// Far above any post, and low enough that a file without line ends does not fill the memory.
const maxLineBytes = 16 * 1024 * 1024
const lineEnd = 0x0a

/**
 * Reads the rows of one file of a Stack Exchange dump, plain or gzip'ed (`.gz`), in constant
 * memory: a byte-order mark, CRLF and the lines around the rows are passed over.
 *
 * @throws DumpError where the file cannot be read or decompressed
 */
export async function* readRows<T>(path: string, options: ReadRowsOptions<T>): AsyncGenerator<T> {
  let line = 0
  let closed = false
  for await (const batch of readLines(path, options)) {
    for (const bytes of batch) {
      line++
      let value: T
      try {
        const text = decodeLine(bytes)
        const start = text.indexOf('<row ')
        if (start < 0) {
          if (tagAroundRows(text) === 'end') closed = true
          continue
        }
        value = options.read(parseRow(text, start))
      } catch (error) {
        if (!(error instanceof UnreadableRow)) throw error
        options.onRejected({ line, reason: error.message })
        continue
      }
      yield value
    }
  }
  if (!closed) options.onRejected({ line, reason: 'the file ends here, before its closing tag' })
}

/** Yields the lines that each piece of the file completes; `undefined` is a line too long. */
async function* readLines(
  path: string,
  options: Pick<ReadRowsOptions<unknown>, 'onBytes' | 'signal'>,
): AsyncGenerator<(Buffer | undefined)[]> {
  const { onBytes, signal } = options
  const file = createReadStream(path, { highWaterMark: 256 * 1024, signal })
  // The callback is there for pipeline's sake: an error also ends the loop below.
  const bytes = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => {}) : file

  let rest: Buffer[] = []
  let restBytes = 0
  let reportedBytes = 0
  const completed = (piece: Buffer) => {
    if (restBytes === 0) return piece
    const line = restBytes > maxLineBytes ? undefined : Buffer.concat([...rest, piece])
    rest = []
    restBytes = 0
    return line
  }

  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      onBytes?.(file.bytesRead - reportedBytes)
      reportedBytes = file.bytesRead

      const lines: (Buffer | undefined)[] = []
      let from = 0
      for (let to = chunk.indexOf(lineEnd); to >= 0; to = chunk.indexOf(lineEnd, from)) {
        lines.push(completed(chunk.subarray(from, to)))
        from = to + 1
      }
      if (from < chunk.length) {
        restBytes += chunk.length - from
        if (restBytes <= maxLineBytes) rest.push(chunk.subarray(from))
        else rest = []
      }
      yield lines
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw unreadableFile(path, error)
  }
  if (restBytes > 0) yield [completed(Buffer.alloc(0))]
}

function unreadableFile(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const name = basename(path)
  if (code.startsWith('Z_')) {
    return new DumpError(`${name} is cut off or damaged (gzip: ${messageOf(error)}).`, {
      cause: error,
    })
  }
  return new DumpError(`${name} cannot be read: ${messageOf(error)}.`, { cause: error })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function decodeLine(bytes: Buffer | undefined): string {
  if (bytes === undefined) throw new UnreadableRow(`the line is longer than ${maxLineBytes} bytes`)
  if (bytes.includes(0)) throw new UnreadableRow('the line holds a NUL')
  const text = bytes.toString('utf8')
  // A replacement character may stand in the data itself: only then is the slower check worth it.
  if (text.includes('\ufffd') && !isUtf8(bytes)) throw new UnreadableRow('the line is not UTF-8')
  return text
}

/** The XML declaration, the tags around the rows, and blank lines. */
function tagAroundRows(text: string): 'start' | 'end' {
  if (/^\s*<\/\w+>\s*$/.test(text)) return 'end'
  if (/^\ufeff?\s*(<\?xml\b.*\?>|<\w+>)?\s*$/.test(text)) return 'start'
  throw new UnreadableRow('this is no <row .../>')
}

function parseRow(text: string, start: number): XmlRow {
  const raw = new Map<string, string>()
  let at = start + '<row '.length
  for (;;) {
    while (isBlank(text.charCodeAt(at))) at++
    if (text.startsWith('/>', at)) break
    const equals = text.indexOf('=', at)
    const quote = text[equals + 1]
    if (equals < 0 || (quote !== '"' && quote !== "'"))
      throw new UnreadableRow('the row is cut off')
    const end = text.indexOf(quote, equals + 2)
    if (end < 0) throw new UnreadableRow('the row is cut off')
    raw.set(text.slice(at, equals), text.slice(equals + 2, end))
    at = end + 1
  }
  return {
    get(attribute) {
      const value = raw.get(attribute)
      return value === undefined ? undefined : decodeEntities(value)
    },
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function decodeEntities(value: string): string {
  let start = value.indexOf('&')
  if (start < 0) return value
  let decoded = ''
  let from = 0
  do {
    const end = value.indexOf(';', start)
    decoded += value.slice(from, start) + decodeEntity(value.slice(start + 1, Math.max(start, end)))
    from = end + 1
    start = value.indexOf('&', from)
  } while (start >= 0)
  return decoded + value.slice(from)
}

const characters: Record<string, string> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
  '#xA': '\n',
  '#xD': '\r',
  '#x9': '\t',
}

function decodeEntity(name: string): string {
  return characters[name] ?? decodeCharacterReference(name)
}

function decodeCharacterReference(name: string): string {
  const [, hexadecimal, decimal] = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(name) ?? []
  const code = Number.parseInt(hexadecimal ?? decimal ?? '', hexadecimal === undefined ? 10 : 16)
  const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  if (!isCharacter) throw new UnreadableRow(`there is no character &${name.slice(0, 20)};`)
  return String.fromCodePoint(code)
}
