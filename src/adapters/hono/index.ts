export { hotpath } from './middleware.ts'
export type { CachedOptions, Hotpath } from './types.ts'
export type {
  HotpathOptions,
  ResponseCache,
  ResponseCacheOptions,
  ResponseCacheStats,
} from '../../http/index.ts'
