export {
  createCache,
  type Cache,
  type GetOrSetOptions,
  type LoadContext,
  type Loader,
  type SetOptions,
} from './cache.ts'
export type { CacheMemoryOptions, CacheOptions, Serializer } from './options.ts'
export type { CacheStats, MemoryStats, RedisStats } from './stats.ts'
