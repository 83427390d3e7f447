import { randomBytes, randomInt } from 'node:crypto'
import type { ContentCoding } from './encode.ts'

/**
 * Makes the length of a compressed body say less about what is in it, against BREACH: up to `most`
 * bytes that decoders skip, a comment in the header of gzip (RFC 1952, 2.3) or a skippable frame of
 * zstd (RFC 8878, 3.1.2).
 */
export function padded(bytes: Buffer, coding: ContentCoding, most: number): Buffer {
  const length = randomInt(most + 1)
  if (coding === 'zstd') {
    const head = Buffer.alloc(8)
    head.writeUInt32LE(0x184d2a50, 0)
    head.writeUInt32LE(length, 4)
    // Behind the data: Node's own decoder stops at the end of the first frame.
    return Buffer.concat([bytes, head, randomBytes(length)])
  }
  const head = Buffer.from(bytes.subarray(0, gzipHeadBytes))
  head.writeUInt8(head.readUInt8(gzipFlagsAt) | gzipComment, gzipFlagsAt)
  const comment = Buffer.from(randomBytes(length).map((byte) => 0x20 + (byte & 63)))
  return Buffer.concat([head, comment, Buffer.alloc(1), bytes.subarray(gzipHeadBytes)])
}

/** Brotli has no place for it that decoders must skip. */
export function canBePadded(coding: ContentCoding): boolean {
  return coding !== 'br'
}

const gzipHeadBytes = 10
const gzipFlagsAt = 3
const gzipComment = 0x10
