import { promisify } from 'node:util'
import {
  constants,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'

// Compressed bytes: the length of what was compressed, four bytes, and a frame of Zstandard.

/** Up to this size the event loop is not held for longer than a hop to another thread would take. */
const maxSyncBytes = 65_536
/** What is larger is neither compressed nor decompressed. */
const maxBytes = 256 * 1024 * 1024
const headerBytes = 4
// Of what every supported Node reads it takes the least room, and for large values the least time.
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** The bytes in less space; `undefined` where that does not succeed. */
export async function compress(bytes: Buffer): Promise<Buffer | undefined> {
  if (bytes.length > maxBytes) return undefined
  const frame =
    bytes.length <= maxSyncBytes
      ? zstdCompressSync(bytes, options)
      : await promisify(zstdCompress)(bytes, options)
  if (headerBytes + frame.length >= bytes.length) return undefined
  const compressed = Buffer.allocUnsafe(headerBytes + frame.length)
  compressed.writeUInt32BE(bytes.length)
  frame.copy(compressed, headerBytes)
  return compressed
}

/** @throws RangeError for what would become larger than it says, or than is allowed */
export async function decompress(compressed: Buffer): Promise<Buffer> {
  const length = compressed.readUInt32BE()
  if (length > maxBytes) throw new RangeError(`a value of ${length} bytes is not decompressed`)
  const frame = compressed.subarray(headerBytes)
  const limit = { maxOutputLength: length }
  return length <= maxSyncBytes
    ? zstdDecompressSync(frame, limit)
    : await promisify(zstdDecompress)(frame, limit)
}
