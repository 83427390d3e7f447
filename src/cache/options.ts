import type { Clock, RedisLike } from '../core/index.ts'

/** The bounds of the memory tier. */
export interface CacheMemoryOptions {
  /**
   * Values kept at once. What is asked for least makes room (S3-FIFO).
   *
   * @defaultValue 10_000
   */
  maxEntries?: number | undefined
  /**
   * Bound on the bytes of keys and values together, as near as they can be told: binary data
   * exactly, objects by a walk over them when they are stored. A value larger than the bound is
   * not kept. Without it only `maxEntries` counts and nothing is measured.
   */
  maxBytes?: number | undefined
  /**
   * With `redis`: other processes tell this one what they write and invalidate. For so long, in
   * milliseconds, memory is still believed when they can no longer be heard, and then not until they
   * are heard again. It is also the bound on how old an answer can be because of that. Without
   * `redis` it has no effect: nobody else changes the values.
   *
   * @defaultValue 1_000
   */
  busLostMs?: number | undefined
}

/** How {@link createCache} keeps values. */
export interface CacheOptions {
  /**
   * Names the cache in `stats()`, in events and, through `namespace`, in Redis. With `redis` it
   * must be given: two caches without a name would share their keys.
   *
   * @defaultValue 'cache'
   */
  name?: string | undefined
  /**
   * The tier in this process, or `false` for none.
   *
   * @defaultValue on, 10,000 entries
   */
  memory?: CacheMemoryOptions | false | undefined
  /** The tier that processes share: `fromNodeRedis(client)` or `fromIoredis(client)`. */
  redis?: RedisLike | undefined
  /**
   * How long a value is kept, in milliseconds.
   *
   * @defaultValue 3_600_000 (1 hour)
   */
  ttlMs?: number | undefined
  /**
   * How long "there is no such thing" (a loader's `undefined` or `null`) is kept, in milliseconds;
   * never longer than the value's own TTL. Short, because whoever creates the thing often does not
   * know that somebody had asked for it before.
   *
   * @defaultValue 60_000, or `ttlMs` where that is shorter
   */
  negativeTtlMs?: number | undefined
  /**
   * How long after its TTL a value is still served, in milliseconds, while it is loaded anew in the
   * background (RFC 5861, `stale-while-revalidate`). "There is no such thing" is never served stale.
   *
   * @defaultValue false
   */
  staleMs?: number | false | undefined
  /**
   * How long after its TTL a value is still served, in milliseconds, where the load that should
   * replace it fails (RFC 5861, `stale-if-error`). Both times begin at the end of the TTL.
   *
   * @defaultValue false
   */
  staleIfErrorMs?: number | false | undefined
  /**
   * Shortens the TTL of each kept value by a random share of up to this much, 0 to 1, so that what
   * was loaded together is not missing together: 0.1 keeps a value for 90 to 100 % of its TTL.
   *
   * @defaultValue 0
   */
  ttlJitterRatio?: number | undefined
  /**
   * Loads a value anew shortly before it expires, in the background, the likelier the nearer the end
   * is and the longer its load took: β of XFetch (Vattani, Chierichetti & Lowenstein, "Optimal
   * probabilistic cache stampede prevention", VLDB 2015). 1 is the paper's choice; more refreshes
   * earlier.
   *
   * @defaultValue false
   */
  earlyRefresh?: number | false | undefined
  /**
   * How long a caller waits for a load, in milliseconds, before he is served a value that
   * `staleIfErrorMs` still allows. The load goes on. Without such a value he goes on waiting.
   *
   * @defaultValue false
   */
  softTimeoutMs?: number | false | undefined
  /**
   * How long a caller waits for a load at most, in milliseconds: then he is served what
   * `staleIfErrorMs` still allows, or gets HOTPATH_CACHE_LOAD_TIMEOUT. The load is told by its signal
   * when nobody waits for it any more. Without this limit, a loader that never settles (because it
   * asks the cache for its own key, say) is waited for without end.
   *
   * @defaultValue false
   */
  hardTimeoutMs?: number | false | undefined
  /**
   * Starts every key in Redis.
   *
   * @defaultValue `hotpath:` and the name
   */
  namespace?: string | undefined
  /**
   * Part of every key in Redis. Change it when the shape of the values changes: values of another
   * version are never read, and processes of both versions can run at the same time.
   */
  schemaVersion?: number | string | undefined
  /**
   * How long a call waits for Redis, in milliseconds, before it goes on without.
   *
   * @defaultValue 50
   */
  redisTimeoutMs?: number | undefined
  /**
   * How values travel to Redis. `clone` keeps what `structuredClone` keeps: Date, Map, Set, BigInt,
   * Buffer, `undefined`. `json` always sends JSON, which other versions of Node read alike, and loses
   * what JSON loses.
   *
   * @defaultValue 'clone'
   */
  serializer?: Serializer | undefined
  /**
   * Values of at least so many bytes travel to Redis compressed.
   *
   * @defaultValue false
   */
  compressMinBytes?: number | false | undefined
  /**
   * With `redis`: how long the other processes wait for the one that loads a key, in milliseconds,
   * should it die. It is extended while the load runs. `false`: every process loads for itself.
   *
   * @defaultValue 5_000
   */
  leaseMs?: number | false | undefined
  /**
   * `false` says that no other process uses these keys: memory is always believed, and nobody is
   * told of writes.
   *
   * @defaultValue true
   */
  bus?: boolean | undefined
  clock?: Clock | undefined
}

/** How values travel to Redis. */
export type Serializer = 'clone' | 'json'
