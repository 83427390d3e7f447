import { promisify } from 'node:util'
import {
  brotliCompress,
  brotliCompressSync,
  constants,
  gzip,
  gzipSync,
  type BrotliOptions,
} from 'node:zlib'

/** A content coding that hotpath makes; the words of `Content-Encoding`. */
export type ContentCoding = 'br' | 'gzip'

/** All of them, that which makes the smallest bodies first. */
export const contentCodings: readonly ContentCoding[] = ['br', 'gzip']

/** Up to this size a body is compressed sooner than a thread could be asked to do it. */
const maxSyncBytes = 8_192

const gzipAsync = promisify(gzip)
const brotliAsync = promisify(brotliCompress)

/** Compresses a body; a large one off the event loop. */
export function encode(body: Buffer, coding: ContentCoding): Buffer | Promise<Buffer> {
  const isSmall = body.length <= maxSyncBytes
  if (coding === 'gzip') return isSmall ? gzipSync(body) : gzipAsync(body)
  const options = brotliOptions(body.length)
  return isSmall ? brotliCompressSync(body, options) : brotliAsync(body, options)
}

// Brotli's own default, 11, takes a hundred times as long as 5 for a few per cent. The size hint
// spares it a window for 4 MiB, which it would take for every small body.
function brotliOptions(byteLength: number): BrotliOptions {
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 5,
      [constants.BROTLI_PARAM_SIZE_HINT]: byteLength,
    },
  }
}
