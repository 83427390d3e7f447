/** What a frame of zstd is. */
export type ZstdFrameKind = 'data' | 'skippable'

/** What comes next in a frame: so many bytes. */
export interface ZstdPart {
  readonly length: number
  /** They are a number, low byte first, that says what comes after them. */
  readonly isNumber: boolean
}

export const zstdMagicBytes = 4

const dataMagic = 0xfd2fb528
/** With sixteen different last digits. */
const skippableMagic = 0x184d2a50
const checksumBytes = 4

/** The frame that begins with this number; undefined where it is no frame of zstd. */
export function zstdFrameKind(magic: number): ZstdFrameKind | undefined {
  if (magic === dataMagic) return 'data'
  return (magic & ~0xf) === skippableMagic ? 'skippable' : undefined
}

/**
 * The parts of a frame of data behind its magic number (RFC 8878, 3.1.1). Nothing is decoded: frames
 * and blocks say how long they are. Each number that was read is given to `next`.
 */
export function* zstdFrameParts(): Generator<ZstdPart, void, number> {
  const flags = yield { length: 1, isNumber: true }
  yield { length: restOfHead(flags), isNumber: false }
  for (let isLast = false; !isLast;) {
    const block = yield { length: 3, isNumber: true }
    isLast = (block & 1) === 1
    const isRepeated = ((block >> 1) & 3) === 1
    // A byte and how often it comes, or so many bytes.
    yield { length: isRepeated ? 1 : block >> 3, isNumber: false }
  }
  if ((flags & 4) !== 0) yield { length: checksumBytes, isNumber: false }
}

// The size of the window, the id of a dictionary and the size of the content, as far as they are there.
function restOfHead(flags: number): number {
  const isSingleSegment = (flags & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0
  const contentBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0
  return (isSingleSegment ? 0 : 1) + dictionaryBytes + contentBytes
}
