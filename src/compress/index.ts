export {
  createCompressor,
  type CodingStats,
  type Compressor,
  type CompressorStats,
} from './compressor.ts'
export { contentCodings, encodeAsync, encodeSync, type ContentCoding } from './encode.ts'
export { acceptableCodings, canonicalAccept } from './negotiate.ts'
export type { CompressorOptions } from './options.ts'
export { canBePadded, padded } from './padding.ts'
