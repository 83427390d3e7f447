import {
  HotpathError,
  invalid,
  knownOptions,
  nonEmptyString,
  positiveInteger,
  positiveMs,
  systemClock,
  timerMs,
  type Clock,
  type RedisLike,
} from '../core/index.ts'

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
   * With `redis`: the longest time in milliseconds for which memory answers without asking Redis,
   * and so the longest time for which this process may not see that another one wrote or
   * invalidated. Without `redis` it has no effect: nobody else changes the values.
   *
   * @defaultValue 1_000
   */
  maxAgeMs?: number | undefined
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
   * @defaultValue without `redis`: on, 10,000 entries; with `redis`: `false`, so that what another
   * process wrote or invalidated is seen at once
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
   * Starts every key in Redis. Change it when the shape of the values changes: old values are then
   * never read again.
   *
   * @defaultValue `hotpath:` and the name
   */
  namespace?: string | undefined
  /**
   * How long a call waits for Redis, in milliseconds, before it goes on without.
   *
   * @defaultValue 50
   */
  redisTimeoutMs?: number | undefined
  clock?: Clock | undefined
}

export interface ResolvedMemoryOptions {
  readonly maxEntries: number
  readonly maxBytes: number | undefined
  readonly maxAgeMs: number
}

export interface ResolvedCacheOptions {
  readonly name: string
  readonly memory: ResolvedMemoryOptions | false
  readonly redis: RedisLike | undefined
  readonly ttlMs: number
  readonly negativeTtlMs: number
  readonly namespace: string
  readonly redisTimeoutMs: number
  readonly clock: Clock
}

const defaultTtlMs = 3_600_000
const defaultNegativeTtlMs = 60_000

export function resolveCacheOptions(options: CacheOptions): ResolvedCacheOptions {
  knownOptions('createCache', options, [
    'name',
    'memory',
    'redis',
    'ttlMs',
    'negativeTtlMs',
    'namespace',
    'redisTimeoutMs',
    'clock',
  ])
  const { redis } = options
  const memory = resolveMemory(options.memory ?? (redis === undefined ? {} : false), redis)
  if (memory === false && redis === undefined) {
    invalid('memory', 'on where there is no `redis`: a cache needs at least one of the two', false)
  }
  if (redis !== undefined && options.name === undefined && options.namespace === undefined) {
    throw new HotpathError(
      'HOTPATH_OPTION_INVALID',
      'a cache with `redis` needs a `name`, which its keys in Redis start with: ' +
        'two caches without one would read each other’s values',
    )
  }
  const name = nonEmptyString('name', options.name ?? 'cache')
  const ttlMs = positiveMs('ttlMs', options.ttlMs ?? defaultTtlMs)
  return {
    name,
    memory,
    redis,
    ttlMs,
    negativeTtlMs: positiveMs(
      'negativeTtlMs',
      options.negativeTtlMs ?? Math.min(ttlMs, defaultNegativeTtlMs),
    ),
    namespace: nonEmptyString('namespace', options.namespace ?? `hotpath:${name}`),
    redisTimeoutMs: timerMs('redisTimeoutMs', options.redisTimeoutMs ?? 50),
    clock: options.clock ?? systemClock,
  }
}

function resolveMemory(
  memory: CacheMemoryOptions | false,
  redis: RedisLike | undefined,
): ResolvedMemoryOptions | false {
  if (memory === false) return false
  knownOptions('memory', memory, ['maxEntries', 'maxBytes', 'maxAgeMs'])
  const { maxEntries = 10_000, maxBytes, maxAgeMs = 1_000 } = memory
  positiveMs('memory.maxAgeMs', maxAgeMs)
  return {
    maxEntries: positiveInteger('memory.maxEntries', maxEntries),
    maxBytes: maxBytes === undefined ? undefined : positiveInteger('memory.maxBytes', maxBytes),
    maxAgeMs: redis === undefined ? Infinity : maxAgeMs,
  }
}
