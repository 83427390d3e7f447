import { zstdFrameKind, zstdFrameParts, zstdMagicBytes, type ZstdPart } from '../core/index.ts'

const nothing = Buffer.alloc(0)

/** What comes next is for the decoder, where nothing else is said. */
interface Part extends ZstdPart {
  /** It goes away, or waits for what it turns out to be. */
  readonly fate?: 'dropped' | 'held'
}

/**
 * Takes the skippable frames out of zstd (RFC 8878, 3.1.2). Node's decoder stops at the end of the first
 * frame of data, and does not say whether what is behind it is padding.
 */
export class ZstdFrames {
  /** How much was taken out. */
  droppedBytes = 0
  /** A frame has begun and is not whole. */
  #isInFrame = false
  readonly #parts: Iterator<Part, undefined, number> = this.#walk()
  #part: Part | undefined
  /** How much of the part is still to come. */
  #missing = 0
  #number = 0
  #held: Buffer = nothing
  #kept: Buffer[] = []

  constructor() {
    this.#begin()
  }

  /** What has come ends where a frame ends. Node 22's decoder does not say so. */
  get isWhole(): boolean {
    return !this.#isInFrame && this.#held.length === 0
  }

  /** What of a piece is for the decoder. */
  take(piece: Buffer): Buffer {
    let at = 0
    // From here on what was seen is kept, in one: blocks may be of no bytes, and as many as there is room.
    let from = 0
    while (at < piece.length && this.#part !== undefined) {
      const { fate, isNumber, length } = this.#part
      const begin = at
      at = Math.min(at + this.#missing, piece.length)
      if (isNumber) {
        const before = length - this.#missing
        this.#number += piece.readUIntLE(begin, at - begin) * 2 ** (8 * before)
      }
      this.#missing -= at - begin
      if (fate !== undefined) {
        this.#kept.push(piece.subarray(from, begin))
        from = at
      }
      if (fate === 'dropped') this.droppedBytes += at - begin
      if (fate === 'held') this.#held = Buffer.concat([this.#held, piece.subarray(begin, at)])
      if (this.#missing === 0) this.#begin()
    }
    // What is no zstd the decoder refuses.
    const kept = [...this.#kept, piece.subarray(from)].filter(({ length }) => length > 0)
    this.#kept = []
    return kept.length === 1 ? (kept[0] ?? nothing) : Buffer.concat(kept)
  }

  /** There is no more: what is left for the decoder. */
  rest(): Buffer {
    const held = this.#held
    this.#held = nothing
    return held
  }

  #begin(): void {
    do {
      const number = this.#number
      this.#number = 0
      this.#part = this.#parts.next(number).value
      this.#missing = this.#part?.length ?? 0
    } while (this.#part?.length === 0)
  }

  // Ends where what comes is for the decoder to refuse.
  *#walk(): Generator<Part, undefined, number> {
    for (let hasData = false; ; hasData = true) {
      let magic = yield held(zstdMagicBytes)
      while (zstdFrameKind(magic) === 'skippable') {
        this.#isInFrame = true
        this.droppedBytes += this.rest().length
        const length = yield { length: 4, isNumber: true, fate: 'dropped' }
        yield { length, isNumber: false, fate: 'dropped' }
        this.#isInFrame = false
        magic = yield held(zstdMagicBytes)
      }
      this.#kept.push(this.rest())
      if (zstdFrameKind(magic) === undefined || hasData) return undefined
      this.#isInFrame = true
      yield* zstdFrameParts()
      this.#isInFrame = false
    }
  }
}

function held(length: number): Part {
  return { length, isNumber: true, fate: 'held' }
}
