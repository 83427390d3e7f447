export {
  createCompressor,
  type CodingStats,
  type Compressor,
  type CompressorOptions,
  type CompressorStats,
  type ContentCoding,
} from './index.ts'
