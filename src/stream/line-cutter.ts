import { LineBlock, splitLines } from './line-block.ts'
import type { Place } from './place.ts'
import { ListedBatch, type RowBatch } from './row-batch.ts'
import { carriageReturn, lineFeed, type DecodedText, type TextCodec } from './text-codec.ts'

/** How a {@link LineCutter} treats what it finds. */
export interface CutterOptions {
  readonly maxLineBytes: number
  readonly onLongLine: 'error' | 'cut'
  readonly invalidText: 'replace' | 'error'
  /** Hears of a line that is left out. It may throw. */
  readonly onBadLine: (place: Place, reason: string) => void
}

/** A line beyond the limit whose end has not come yet. */
interface LongLine {
  /** What is kept of it, where it is cut. */
  readonly kept: Buffer | undefined
  readonly place: Place
  /** A line feed that comes next belongs to its end. */
  isReturned: boolean
}

/** Cuts the bytes of a text into lines, in batches of whole lines, wherever the bytes were cut. */
export class LineCutter {
  readonly #codec: TextCodec
  readonly #options: CutterOptions
  #line: number
  #byteOffset: number
  // The beginning of a line whose end has not come yet, copied: chunks are used again. What comes is
  // put behind it there, so that nothing is allocated for each chunk.
  #carry: Buffer = Buffer.allocUnsafeSlow(0)
  #carryBytes = 0
  #endsInReturn = false
  #long: LongLine | undefined
  #halfUnit: Buffer | undefined

  constructor(codec: TextCodec, start: Place, options: CutterOptions) {
    this.#codec = codec
    this.#options = options
    this.#line = start.line
    this.#byteOffset = start.byteOffset ?? 0
  }

  /** Yields what the next bytes complete. They may be overwritten afterwards. */
  *push(bytes: Buffer): Generator<RowBatch<string>, void, undefined> {
    let chunk = this.#aligned(bytes)
    if (this.#long !== undefined) {
      const passed = this.#passLongLine(this.#long, chunk)
      if (passed === -1) return
      yield* this.#endLongLine(this.#long)
      chunk = chunk.subarray(passed)
    }
    if (chunk.length === 0) return
    if (this.#endsInReturn && this.#codec.unitAt(chunk, 0) !== lineFeed) {
      yield* this.#block(this.#takeCarry())
    }
    const end = this.#codec.endOfLines(chunk)
    if (end > 0) yield* this.#block(this.#joinCarry(chunk.subarray(0, end)))
    this.#hold(chunk.subarray(end))
  }

  /** Yields the last line, if it has no end. */
  *end(): Generator<RowBatch<string>, void, undefined> {
    if (this.#endsInReturn) yield* this.#block(this.#takeCarry())
    if (this.#long?.isReturned) yield* this.#endLongLine(this.#long)
    if (this.#halfUnit !== undefined && this.#long === undefined) this.#hold(this.#halfUnit)
    if (this.#long !== undefined) yield* this.#endLongLine(this.#long)
    if (this.#carryBytes > 0) yield* this.#block(this.#takeCarry())
  }

  get place(): Place {
    return { line: this.#line, byteOffset: this.#byteOffset }
  }

  #aligned(chunk: Buffer): Buffer {
    if (this.#codec.unitBytes === 1) return chunk
    const whole = this.#halfUnit === undefined ? chunk : Buffer.concat([this.#halfUnit, chunk])
    const length = whole.length - (whole.length % 2)
    this.#halfUnit = length < whole.length ? Buffer.from(whole.subarray(length)) : undefined
    return whole.subarray(0, length)
  }

  #joinCarry(bytes: Buffer): Buffer {
    if (this.#carryBytes === 0) return bytes
    this.#append(bytes)
    return this.#takeCarry()
  }

  /** Valid until the next call of `#append`. */
  #takeCarry(): Buffer {
    const bytes = this.#carry.subarray(0, this.#carryBytes)
    this.#carryBytes = 0
    this.#endsInReturn = false
    return bytes
  }

  #append(bytes: Buffer): void {
    const neededBytes = this.#carryBytes + bytes.length
    if (neededBytes > this.#carry.length) {
      const grown = Buffer.allocUnsafeSlow(2 * neededBytes)
      this.#carry.copy(grown, 0, 0, this.#carryBytes)
      this.#carry = grown
    }
    bytes.copy(this.#carry, this.#carryBytes)
    this.#carryBytes = neededBytes
  }

  #hold(piece: Buffer): void {
    if (piece.length === 0) return
    const { unitBytes } = this.#codec
    this.#append(piece)
    this.#endsInReturn = this.#codec.unitAt(piece, piece.length - unitBytes) === carriageReturn
    const lineBytes = this.#carryBytes - (this.#endsInReturn ? unitBytes : 0)
    if (lineBytes > this.#options.maxLineBytes) this.#beginLongLine()
  }

  #beginLongLine(): void {
    const { place } = this
    const isReturned = this.#endsInReturn
    this.#byteOffset += this.#carryBytes
    const bytes = this.#takeCarry()
    const isCut = this.#options.onLongLine === 'cut'
    this.#long = { kept: isCut ? Buffer.from(this.#clip(bytes)) : undefined, place, isReturned }
    if (!isCut) this.#options.onBadLine(place, this.#tooLong())
  }

  /** @returns the index at which the next line begins, -1 where that is not in this chunk */
  #passLongLine(long: LongLine, chunk: Buffer): number {
    const { unitBytes } = this.#codec
    if (chunk.length === 0) return -1
    let end = 0
    if (!long.isReturned) {
      const at = this.#codec.nextLineEnd(chunk, 0)
      end = at === -1 ? chunk.length : at + unitBytes
      long.isReturned = at !== -1 && this.#codec.unitAt(chunk, at) === carriageReturn
      if (at === -1 || (long.isReturned && end === chunk.length)) {
        this.#byteOffset += chunk.length
        return -1
      }
    }
    if (long.isReturned && this.#codec.unitAt(chunk, end) === lineFeed) end += unitBytes
    this.#byteOffset += end
    return end
  }

  *#endLongLine({ kept, place }: LongLine): Generator<RowBatch<string>, void, undefined> {
    this.#long = undefined
    this.#line++
    if (kept === undefined) return
    const text = this.#decodeLine(kept, place)
    if (text !== undefined) yield new ListedBatch([text], [place], this.place)
  }

  /** All of these bytes are whole lines, but that the last one may lack its end. */
  *#block(bytes: Buffer): Generator<RowBatch<string>, void, undefined> {
    const decoded = this.#codec.decodeValid(bytes)
    if (decoded !== undefined) {
      const lines = splitLines(decoded.text)
      if (!this.#mayBeTooLong(lines, bytes, decoded)) {
        const start = this.place
        this.#line += lines.length
        this.#byteOffset += bytes.length
        yield new LineBlock(lines, decoded, start, this.place)
        return
      }
    }
    yield* this.#oneByOne(bytes)
  }

  #mayBeTooLong(lines: readonly string[], bytes: Buffer, { unitBytes }: DecodedText): boolean {
    const { maxLineBytes } = this.#options
    if (bytes.length <= maxLineBytes) return false
    // A unit of a text takes at most three bytes in UTF-8.
    const safeLength = maxLineBytes / (unitBytes ?? 3)
    return lines.some(({ length }) => length > safeLength)
  }

  /** For text that is not valid and lines that may be too long: slower, and each line for itself. */
  *#oneByOne(bytes: Buffer): Generator<RowBatch<string>, void, undefined> {
    const { maxLineBytes, onLongLine, onBadLine } = this.#options
    const { unitBytes } = this.#codec
    const rows: string[] = []
    const places: Place[] = []
    for (let from = 0; from < bytes.length;) {
      const found = this.#codec.nextLineEnd(bytes, from)
      const end = found === -1 ? bytes.length : found
      const isPair =
        this.#codec.unitAt(bytes, end) === carriageReturn &&
        this.#codec.unitAt(bytes, end + unitBytes) === lineFeed
      const next = Math.min(bytes.length, end + (isPair ? 2 : 1) * unitBytes)
      const line = bytes.subarray(from, end)
      const { place } = this
      this.#line++
      this.#byteOffset += next - from
      from = next
      if (line.length > maxLineBytes && onLongLine === 'error') {
        onBadLine(place, this.#tooLong())
        continue
      }
      const text = this.#decodeLine(this.#clip(line), place)
      if (text === undefined) continue
      rows.push(text)
      places.push(place)
    }
    yield new ListedBatch(rows, places, this.place)
  }

  #clip(line: Buffer): Buffer {
    const { maxLineBytes } = this.#options
    if (line.length <= maxLineBytes) return line
    return line.subarray(0, this.#codec.clip(line, maxLineBytes))
  }

  #decodeLine(line: Buffer, place: Place): string | undefined {
    const valid = this.#codec.decodeValid(line)
    if (valid !== undefined) return valid.text
    if (this.#options.invalidText === 'replace') return this.#codec.decode(line)
    this.#options.onBadLine(place, 'the line is no text in its encoding')
    return undefined
  }

  #tooLong(): string {
    return `the line is longer than ${this.#options.maxLineBytes} bytes (maxLineBytes)`
  }
}
