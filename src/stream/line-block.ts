import type { Place } from './place.ts'
import type { RowBatch } from './row-batch.ts'
import type { DecodedText } from './text-codec.ts'

/** The lines of one piece of text that was decoded as a whole. */
export class LineBlock implements RowBatch<string> {
  readonly rows: readonly string[]
  readonly end: Place
  readonly #start: Place
  readonly #decoded: DecodedText
  #offsets: Float64Array | undefined

  constructor(rows: readonly string[], decoded: DecodedText, start: Place, end: Place) {
    this.rows = rows
    this.end = end
    this.#start = start
    this.#decoded = decoded
  }

  placeOf(index: number): Place {
    if (index >= this.rows.length) return this.end
    this.#offsets ??= offsetsOf(this.rows, this.#decoded)
    return {
      line: this.#start.line + index,
      byteOffset: (this.#start.byteOffset ?? 0) + (this.#offsets[index] ?? 0),
    }
  }
}

/**
 * The lines of a text whose last one may lack its end. Splitting by one character is the fastest
 * that V8 does with a text, so carriage returns are looked for only where there are some.
 */
export function splitLines(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return text.includes('\r') ? lines.flatMap(splitAtReturns) : lines
}

function splitAtReturns(line: string): string | string[] {
  const first = line.indexOf('\r')
  if (first === -1) return line
  // The last one is half of a CRLF, or ends the text: either way there is no line behind it.
  const content = line.endsWith('\r') ? line.slice(0, -1) : line
  return first === content.length ? content : content.split('\r')
}

function offsetsOf(lines: readonly string[], { text, unitBytes }: DecodedText): Float64Array {
  const offsets = new Float64Array(lines.length)
  let unit = 0
  let bytes = 0
  for (const [index, line] of lines.entries()) {
    offsets[index] = bytes
    const isPair = text[unit + line.length] === '\r' && text[unit + line.length + 1] === '\n'
    const endUnits = isPair ? 2 : 1
    unit += line.length + endUnits
    bytes +=
      unitBytes === undefined
        ? Buffer.byteLength(line) + endUnits
        : (line.length + endUnits) * unitBytes
  }
  return offsets
}
