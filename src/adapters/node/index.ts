export { hotpath } from './hotpath.ts'
export type { CachedOptions, Hotpath, Listener } from './types.ts'
export type {
  HotpathOptions,
  ResponseCache,
  ResponseCacheOptions,
  ResponseCacheStats,
  ShedOptions,
  ShedRequest,
} from '../../http/index.ts'
