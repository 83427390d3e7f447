export { hotpath } from './plugin.ts'
export type {
  CacheRequest,
  HotpathDecorator,
  HotpathFastifyOptions,
  HotpathRouteConfig,
} from './types.ts'
export type {
  CachedRouteOptions,
  ResponseCache,
  ResponseCacheOptions,
  ResponseCacheStats,
  ShedOptions,
  ShedRequest,
  Budgets,
  BudgetsOptions,
  Compressor,
  CompressorOptions,
  DecodeOptions,
  LimitAnswer,
  LimitOptions,
  TrustProxy,
} from '../../http/index.ts'
