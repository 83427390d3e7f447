/** A snapshot of a cache. */
export interface CacheStats {
  /** Reads answered from a tier, "there is no such thing" included. */
  readonly hits: number
  /** Reads that no tier could answer. */
  readonly misses: number
  /** `hits` of all reads; 0 before the first. */
  readonly hitRatio: number
  /** How many of the hits were past their TTL. */
  readonly stale: number
  /** Loaders that ran, and how many of them failed. */
  readonly loads: number
  readonly loadErrors: number
  /** Loads that were begun in the background, while a value that was there already was served. */
  readonly refreshes: number
  /** Loads that another process did for this one: it had the lease, and its value was taken. */
  readonly sharedLoads: number
  /** Waits that were ended by `softTimeoutMs` or `hardTimeoutMs`. */
  readonly timeouts: number
  /** Entries in memory; the bound; how many had to make room for others. */
  readonly entries: number
  readonly maxEntries: number
  readonly evictions: number
  /** Undefined without a memory tier. */
  readonly memory: MemoryStats | undefined
  /** Undefined without a Redis tier. */
  readonly redis: RedisStats | undefined
}

/** The tier in this process. */
export interface MemoryStats {
  readonly hits: number
  readonly entries: number
  readonly maxEntries: number
  /** As measured for `maxBytes`; 0 without that bound. */
  readonly bytes: number
  readonly maxBytes: number | undefined
  readonly evictions: number
}

/** The tier that processes share, as this process sees it. */
export interface RedisStats {
  readonly hits: number
  readonly misses: number
  /** Values handed to Redis. */
  readonly writes: number
  /** Values not written: Redis was busy, out of order, or had been overtaken by an invalidation. */
  readonly droppedWrites: number
  /** Calls that failed or ran out of time. */
  readonly errors: number
  /** `open` while Redis is out of order: it is probed, and not waited for. */
  readonly circuit: 'closed' | 'open'
  /** Deletions and invalidations that Redis has not confirmed yet. */
  readonly owed: number
}
