const frameMagic = 0xfd2fb528
/** With sixteen different last digits. */
const skippableMagic = 0x184d2a50
const checksumBytes = 4

const nothing = Buffer.alloc(0)

/** What comes next: so many bytes, which go to the decoder, or away, or wait for what they turn out to be. */
interface Part {
  readonly length: number
  readonly fate: 'kept' | 'dropped' | 'held'
  /** They are a number that says what comes after them. */
  readonly isNumber: boolean
}

/**
 * Takes the skippable frames out of zstd (RFC 8878, 3.1.2). Node's decoder stops at the end of the first
 * frame of data, and does not say whether what is behind it is padding. Nothing is decoded here: frames
 * and blocks say how long they are.
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
      if (fate !== 'kept') {
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
      let magic = yield number(4, 'held')
      while (isSkippable(magic)) {
        this.#isInFrame = true
        this.droppedBytes += this.rest().length
        yield dropped(yield number(4, 'dropped'))
        this.#isInFrame = false
        magic = yield number(4, 'held')
      }
      this.#kept.push(this.rest())
      if (magic !== frameMagic || hasData) return undefined
      this.#isInFrame = true
      yield* partsOfData()
      this.#isInFrame = false
    }
  }
}

/** Of a frame, behind its magic number (RFC 8878, 3.1.1). */
function* partsOfData(): Generator<Part, void, number> {
  const flags = yield number(1, 'kept')
  yield kept(restOfHead(flags))
  for (let isLast = false; !isLast;) {
    const block = yield number(3, 'kept')
    isLast = (block & 1) === 1
    const isRepeated = ((block >> 1) & 3) === 1
    // A byte and how often it comes, or so many bytes.
    yield kept(isRepeated ? 1 : block >> 3)
  }
  if ((flags & 4) !== 0) yield kept(checksumBytes)
}

// The size of the window, the id of a dictionary and the size of the content, as far as they are there.
function restOfHead(flags: number): number {
  const isSingleSegment = (flags & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0
  const contentBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0
  return (isSingleSegment ? 0 : 1) + dictionaryBytes + contentBytes
}

function isSkippable(magic: number): boolean {
  return (magic & ~0xf) === skippableMagic
}

function number(length: number, fate: Part['fate']): Part {
  return { length, fate, isNumber: true }
}

function kept(length: number): Part {
  return { length, fate: 'kept', isNumber: false }
}

function dropped(length: number): Part {
  return { length, fate: 'dropped', isNumber: false }
}
