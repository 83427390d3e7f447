export { hotpath } from './middleware.ts'
export type { CachedOptions, Hotpath } from './types.ts'
export type {
  HotpathOptions,
  Budgets,
  BudgetsOptions,
  Compressor,
  CompressorOptions,
  DecodeOptions,
  LimitAnswer,
  LimitOptions,
  ResponseCache,
  ResponseCacheOptions,
  ResponseCacheStats,
  ShedOptions,
  ShedRequest,
  TrustProxy,
} from '../../http/index.ts'
