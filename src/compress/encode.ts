import { promisify } from 'node:util'
import zlib, {
  brotliCompress,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  gunzipSync,
  gzip,
  gzipSync,
  type BrotliOptions,
  type ZlibOptions,
  type ZstdOptions,
} from 'node:zlib'
import type { Transform } from 'node:stream'
import { keptChunkBytes, KeptEncoder } from './kept-encoder.ts'

/** A content coding that hotpath makes; the words of `Content-Encoding`. */
export type ContentCoding = 'br' | 'gzip' | 'zstd'

/** Node has it since 22.15. */
export const hasZstd: boolean = typeof zlib.zstdCompressSync === 'function'

/** Those that this Node can make, that which is fastest for a large body first. */
export const contentCodings: readonly ContentCoding[] = hasZstd
  ? ['zstd', 'br', 'gzip']
  : ['br', 'gzip']

/** How hard each coding tries. */
export interface CodingLevels {
  readonly gzip: number
  readonly br: number
  readonly zstd: number
}

// Brotli's own default, 11, takes a hundred times as long as 4 for a few per cent. At these, all
// three make JSON about as small.
export const defaultLevels: CodingLevels = { gzip: 6, br: 4, zstd: 3 }

const gzipAsync = promisify(gzip)
const brotliAsync = promisify(brotliCompress)
const zstdAsync = hasZstd ? promisify(zlib.zstdCompress) : undefined

/** Compresses a body on this thread. */
export function encodeSync(
  body: Buffer,
  coding: ContentCoding,
  levels: CodingLevels = defaultLevels,
): Buffer {
  const byteLength = body.length
  if (coding === 'br') return brotliCompressSync(body, brotliOptions(levels, byteLength))
  const encoded = encodeKept(body, coding, levels)
  if (encoded !== undefined) return encoded
  if (coding === 'gzip') return gzipSync(body, gzipOptions(levels, byteLength))
  return zlib.zstdCompressSync(body, zstdOptions(levels, byteLength))
}

// Two for gzip at each level that somebody asks for, and one for zstd. Brotli's cannot begin anew.
const keptEncoders = new Map<string, KeptEncoder | undefined>()

function encodeKept(
  body: Buffer,
  coding: 'gzip' | 'zstd',
  levels: CodingLevels,
): Buffer | undefined {
  const windowBits = windowBitsFor(body.length)
  const key = coding === 'gzip' ? `gzip ${levels.gzip} ${windowBits}` : coding
  if (!keptEncoders.has(key)) keptEncoders.set(key, makeKept(coding, levels, windowBits))
  try {
    return keptEncoders.get(key)?.encode(body)
  } catch {
    keptEncoders.set(key, undefined)
    return undefined
  }
}

function makeKept(
  coding: 'gzip' | 'zstd',
  levels: CodingLevels,
  windowBits: number,
): KeptEncoder | undefined {
  const chunkSize = keptChunkBytes
  if (coding === 'gzip') {
    return KeptEncoder.tryMake({
      make: () => createGzip({ level: levels.gzip, windowBits, memLevel: 9, chunkSize }),
      endFlush: constants.Z_FINISH,
      isReset: true,
      decode: (encoded) => gunzipSync(encoded),
    })
  }
  const params = { [constants.ZSTD_c_compressionLevel]: levels.zstd }
  return KeptEncoder.tryMake({
    make: () => zlib.createZstdCompress({ params, chunkSize }),
    endFlush: constants.ZSTD_e_end,
    isReset: false,
    decode: (encoded) => zlib.zstdDecompressSync(encoded),
  })
}

/** Compresses a body on a thread of Node's pool. */
export async function encodeAsync(
  body: Buffer,
  coding: ContentCoding,
  levels: CodingLevels = defaultLevels,
): Promise<Buffer> {
  const byteLength = body.length
  if (coding === 'gzip') return gzipAsync(body, gzipOptions(levels, byteLength))
  if (coding === 'br' || zstdAsync === undefined) {
    return brotliAsync(body, brotliOptions(levels, byteLength))
  }
  return zstdAsync(body, zstdOptions(levels, byteLength))
}

/** What compresses a stream, and has each piece decodable soon after it was written. */
export function createEncoder(
  coding: ContentCoding,
  levels: CodingLevels = defaultLevels,
): Transform {
  if (coding === 'gzip') {
    const encoder = createGzip(gzipOptions(levels))
    return flushedSoon(encoder, () => encoder.flush(constants.Z_SYNC_FLUSH))
  }
  if (coding === 'br') {
    const encoder = createBrotliCompress(brotliOptions(levels))
    return flushedSoon(encoder, () => encoder.flush())
  }
  const encoder = zlib.createZstdCompress(zstdOptions(levels))
  return flushedSoon(encoder, () => encoder.flush())
}

// Pieces that are written in one turn of the event loop are flushed together: a flush costs some
// bytes and a call, and nobody could have read the first before the last was written.
function flushedSoon(encoder: Transform, flush: () => void): Transform {
  const write = encoder.write.bind(encoder) as (...parameters: unknown[]) => boolean
  let isDue = false
  const flushDue = () => {
    // Until it has flushed: to zlib a flush is a write as well.
    if (!encoder.destroyed && !encoder.writableEnded) flush()
    isDue = false
  }
  return Object.assign(encoder, {
    write(...parameters: unknown[]): boolean {
      if (!isDue) {
        isDue = true
        setImmediate(flushDue)
      }
      return write(...parameters)
    },
  })
}

// The largest tables are a twentieth faster. For a stream, of which there may be thousands, they would be
// too much memory.
function gzipOptions({ gzip: level }: CodingLevels, byteLength = Infinity): ZlibOptions {
  if (byteLength === Infinity) return { level }
  return { level, windowBits: windowBitsFor(byteLength), memLevel: 9, ...outputOptions(byteLength) }
}

// A window of 8 kB instead of 32 makes a page of 20 kB in a tenth less time, and 1.5 % larger. Where it
// is larger, the shorter window costs more: 7 % of a page of 60 kB.
function windowBitsFor(byteLength: number): number {
  return byteLength <= 24_576 ? 13 : 15
}

function brotliOptions({ br }: CodingLevels, byteLength = Infinity): BrotliOptions {
  const quality = { [constants.BROTLI_PARAM_QUALITY]: br }
  if (byteLength === Infinity) return { params: quality }
  const windowBits = Math.max(10, Math.min(22, Math.ceil(Math.log2(byteLength + 1))))
  return {
    params: {
      ...quality,
      [constants.BROTLI_PARAM_SIZE_HINT]: byteLength,
      [constants.BROTLI_PARAM_LGWIN]: windowBits,
    },
    ...outputOptions(byteLength),
  }
}

function zstdOptions({ zstd }: CodingLevels, byteLength = Infinity): ZstdOptions {
  const params = { [constants.ZSTD_c_compressionLevel]: zstd }
  if (byteLength === Infinity) return { params: { ...params, ...zstdStreamTables } }
  return { params, pledgedSrcSize: byteLength, ...outputOptions(byteLength) }
}

// A stream may be open for hours, and there may be thousands: 0.9 MB for each become 0.4, and JSON no
// larger.
const zstdStreamTables = {
  [constants.ZSTD_c_windowLog]: 17,
  [constants.ZSTD_c_hashLog]: 15,
  [constants.ZSTD_c_chainLog]: 15,
}

const largestChunkBytes = 1_048_576

// Room for the output in one piece, which need not be put together then: it is most often less than half of the input.
function outputOptions(byteLength: number): { chunkSize?: number } {
  if (byteLength === Infinity) return {}
  return { chunkSize: Math.max(1_024, Math.min(largestChunkBytes, byteLength >> 1)) }
}
