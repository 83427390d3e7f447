export { hotpath } from './middleware.ts'
export type { CachedOptions, Hotpath } from './types.ts'
export type {
  HotpathOptions,
  ResponseCache,
  ResponseCacheOptions,
  ResponseCacheStats,
  ShedOptions,
  ShedRequest,
} from '../../http/index.ts'
