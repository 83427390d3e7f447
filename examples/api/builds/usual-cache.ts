import { createMemoryCache } from './usual-memory-cache.ts'
import { createRedisCache } from './usual-redis-cache.ts'

/** A response as it is kept: its JSON, and what it shows. */
export interface Stored {
  /** Null where there is no such thing. */
  readonly json: string | null
  /** A write to one of these removes the response. */
  readonly tags: readonly string[]
}

/** Where the usual build keeps its responses. */
export interface ResponseCache {
  /** What is kept under a key, or else what `load` makes, which is kept from then on. */
  getOrLoad(key: string, ttlMs: number, load: () => Promise<Stored>): Promise<string | null>
  /**
   * Removes every response that shows this. Once it resolves, nobody is given one from before,
   * not even by a `load` that was under way.
   */
  invalidate(tag: string): Promise<void>
  close(): Promise<void>
}

/** What a cache is made with. */
export interface CacheOptions {
  /** Keeps them in Redis; without it, in memory. */
  readonly redisUrl: string | undefined
  /** Which data the responses are made of: a Redis may hold those of other data. */
  readonly readDataVersion: () => Promise<string>
  /** Told what Redis could not do; the API goes on without. */
  readonly onError: (error: unknown) => void
}

export async function createResponseCache(options: CacheOptions): Promise<ResponseCache> {
  const { redisUrl } = options
  return redisUrl === undefined ? createMemoryCache() : await createRedisCache(redisUrl, options)
}
