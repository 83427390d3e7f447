import { promisify } from 'node:util'
import zlib, {
  brotliCompress,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  gzip,
  gzipSync,
  type BrotliOptions,
  type ZstdOptions,
} from 'node:zlib'
import type { Transform } from 'node:stream'

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
  body: string | Buffer,
  coding: ContentCoding,
  levels: CodingLevels = defaultLevels,
): Buffer {
  if (coding === 'gzip') return gzipSync(body, { level: levels.gzip })
  if (coding === 'br') return brotliCompressSync(body, brotliOptions(levels, sizeOf(body)))
  return zlib.zstdCompressSync(body, zstdOptions(levels))
}

/** Compresses a body on a thread of Node's pool. */
export async function encodeAsync(
  body: string | Buffer,
  coding: ContentCoding,
  levels: CodingLevels = defaultLevels,
): Promise<Buffer> {
  if (coding === 'gzip') return gzipAsync(body, { level: levels.gzip })
  if (coding === 'br' || zstdAsync === undefined) {
    return brotliAsync(body, brotliOptions(levels, sizeOf(body)))
  }
  return zstdAsync(body, zstdOptions(levels))
}

/** What compresses a stream, and has each piece decodable soon after it was written. */
export function createEncoder(
  coding: ContentCoding,
  levels: CodingLevels = defaultLevels,
): Transform {
  if (coding === 'gzip') {
    const encoder = createGzip({ level: levels.gzip })
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

// The size hint spares brotli a window for 4 MiB, which it would take for every small body.
function brotliOptions({ br }: CodingLevels, byteLength?: number): BrotliOptions {
  const hint = byteLength === undefined ? {} : { [constants.BROTLI_PARAM_SIZE_HINT]: byteLength }
  return { params: { [constants.BROTLI_PARAM_QUALITY]: br, ...hint } }
}

function zstdOptions({ zstd }: CodingLevels): ZstdOptions {
  return { params: { [constants.ZSTD_c_compressionLevel]: zstd } }
}

function sizeOf(body: string | Buffer): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length
}
