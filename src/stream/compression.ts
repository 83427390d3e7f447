import { pipeline, Readable } from 'node:stream'
import { damagedSource } from './errors.ts'
import type { Compression } from './lines-options.ts'
import { isZstd, unpackZstd } from './zstd.ts'

/** Bytes that must be there to tell how a source is compressed. */
export const magicBytes = 4

// With the method, of which there is one (RFC 1952): two bytes alone are a letter in UTF-16.
const gzipMagic = Buffer.from('1f8b08', 'hex')

/** How a source is compressed, by its first bytes; brotli has no mark and goes by the name. */
export function recogniseCompression(head: Buffer, name: string): Compression | false {
  if (head.subarray(0, 3).equals(gzipMagic)) return 'gzip'
  if (isZstd(head)) return 'zstd'
  return name.endsWith('.br') && 'brotli'
}

/** @throws HotpathError HOTPATH_STREAM_SOURCE_FAILED where the bytes are cut off or damaged */
export async function* decompress(
  chunks: AsyncIterable<Buffer>,
  compression: Compression,
  name: string,
): AsyncGenerator<Buffer, void, undefined> {
  let hasSourceFailed = false
  // The streams read ahead, beyond the time for which a chunk is ours.
  const copies = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of chunks) yield Buffer.from(chunk)
    } catch (error) {
      hasSourceFailed = true
      throw error
    }
  }
  try {
    yield* compression === 'zstd'
      ? unpackZstd(copies(), (frame) => unpack(frame, compression))
      : unpack(copies(), compression)
  } catch (error) {
    if (hasSourceFailed) throw error
    throw damagedSource(name, compression, error)
  }
}

async function* unpack(
  chunks: AsyncIterable<Buffer>,
  compression: Compression,
): AsyncGenerator<Buffer, void, undefined> {
  // Loaded when it is needed: it takes some megabytes, and most texts are not compressed.
  const zlib = await import('node:zlib')
  const decompressors = {
    gzip: zlib.createGunzip,
    brotli: zlib.createBrotliDecompress,
    zstd: zlib.createZstdDecompress,
  }
  const packed = Readable.from(chunks, { highWaterMark: 1 })
  const unpacked = decompressors[compression]({ chunkSize: 64 * 1_024 })
  // An error also ends the loop below, which is where it is handled.
  pipeline(packed, unpacked, () => {})
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) yield chunk
  } finally {
    packed.destroy()
    unpacked.destroy()
  }
}
