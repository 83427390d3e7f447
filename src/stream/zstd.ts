import { zstdFrameKind, zstdFrameParts, zstdMagicBytes } from '../core/index.ts'
import { PieceReader } from './piece-reader.ts'

/** What a source in zstd begins with: a frame of data, or one that is to be skipped. */
export function isZstd(head: Buffer): boolean {
  return head.length >= zstdMagicBytes && zstdFrameKind(head.readUInt32LE(0)) !== undefined
}

/**
 * Unpacks all frames of a source in zstd (RFC 8878). Node's decoder ends with the first one and says
 * nothing of what is behind it, which in a log that is packed piece by piece is nearly all of it; and in
 * Node 22 it takes a frame that is cut off for a whole one.
 *
 * @param unpackFrame - unpacks one frame of data
 * @throws Error where the source is cut off or damaged, and what reading it throws
 */
export async function* unpackZstd(
  packed: AsyncIterable<Buffer>,
  unpackFrame: (frame: AsyncIterable<Buffer>) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new PieceReader(packed)
  try {
    while (!(await reader.isAtEnd())) {
      const magic = await reader.take(zstdMagicBytes)
      const kind = zstdFrameKind(magic.readUInt32LE(0))
      if (kind === undefined) throw new Error('what stands where a frame should begin is none')
      if (kind === 'data') yield* unpackFrame(frame(reader, magic))
      else await reader.skip((await reader.take(4)).readUInt32LE(0))
    }
  } finally {
    reader.close()
  }
}

async function* frame(reader: PieceReader, magic: Buffer): AsyncGenerator<Buffer> {
  yield magic
  const parts = zstdFrameParts()
  let number = 0
  for (let part = parts.next(number); part.done !== true; part = parts.next(number)) {
    const { length, isNumber } = part.value
    if (isNumber) {
      const bytes = await reader.take(length)
      number = bytes.readUIntLE(0, length)
      yield bytes
    } else {
      yield* reader.pass(length)
    }
  }
}
