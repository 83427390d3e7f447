import { pipeline, Readable } from 'node:stream'
import { PieceReader } from './piece-reader.ts'

/** Bytes that a source in zstd begins with: a frame of data, or one that is to be skipped. */
export function isZstd(head: Buffer): boolean {
  if (head.length < magicBytes) return false
  const magic = head.readUInt32LE(0)
  return magic === frameMagic || isSkippable(magic)
}

/**
 * Unpacks all frames of a source in zstd (RFC 8878). Node's decoder ends with the first one and says
 * nothing of what is behind it, which in a log that is packed piece by piece is nearly all of it; and in
 * Node 22 it takes a frame that is cut off for a whole one.
 *
 * @throws Error where the source is cut off or damaged, and what reading it throws
 */
export async function* unpackZstd(
  packed: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new PieceReader(packed)
  try {
    while (!(await reader.isAtEnd())) {
      const magic = await reader.take(magicBytes)
      const kind = magic.readUInt32LE(0)
      if (isSkippable(kind)) await reader.skip((await reader.take(4)).readUInt32LE(0))
      else if (kind === frameMagic) yield* unpackFrame(frame(reader, magic))
      else throw new Error('what stands where a frame should begin is none')
    }
  } finally {
    reader.close()
  }
}

const magicBytes = 4
const frameMagic = 0xfd2fb528
/** With sixteen different last digits. */
const skippableMagic = 0x184d2a50
const checksumBytes = 4

function isSkippable(magic: number): boolean {
  return ((magic ^ skippableMagic) & ~0xf) === 0
}

async function* unpackFrame(
  packed: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  // Loaded when it is needed, as for the other formats.
  const { createZstdDecompress } = await import('node:zlib')
  const source = Readable.from(packed, { highWaterMark: 1 })
  const decoder = createZstdDecompress({ chunkSize: 64 * 1_024 })
  // An error also ends the loop below, which is where it is handled.
  pipeline(source, decoder, () => {})
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) yield chunk
  } finally {
    source.destroy()
    decoder.destroy()
  }
}

/** The bytes of one frame (RFC 8878, 3.1.1), which ends where its last block says so. */
async function* frame(reader: PieceReader, magic: Buffer): AsyncGenerator<Buffer> {
  yield magic
  const flags = await reader.take(1)
  yield flags
  const flagBits = flags.readUInt8(0)
  yield* reader.pass(restOfHead(flagBits))
  for (let isLast = false; !isLast;) {
    const head = await reader.take(3)
    yield head
    const block = head.readUIntLE(0, 3)
    isLast = (block & 1) === 1
    const isRepeated = ((block >> 1) & 3) === 1
    // A byte and how often it comes, or so many bytes.
    yield* reader.pass(isRepeated ? 1 : block >> 3)
  }
  if ((flagBits & 4) !== 0) yield* reader.pass(checksumBytes)
}

// The size of the window, the id of a dictionary and the size of the content, as far as they are there.
function restOfHead(flags: number): number {
  const isSingleSegment = (flags & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0
  const contentBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0
  return (isSingleSegment ? 0 : 1) + dictionaryBytes + contentBytes
}
