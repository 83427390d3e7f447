import { createCache, type Cache, type CacheMemoryOptions } from '../cache/index.ts'
import {
  HotpathError,
  knownOptions,
  nonEmptyString,
  positiveInteger,
  positiveMs,
  systemClock,
  type Clock,
  type RedisLike,
} from '../core/index.ts'
import type { CompressStep } from './compress-step.ts'
import { resolveCompress, type CompressOptions } from './encodings.ts'
import { staleDuration, type RouteDefaults } from './route-options.ts'

/** How {@link createResponseCache} keeps responses. */
export interface ResponseCacheOptions {
  /**
   * Names the cache in `stats()` and events, and its keys in Redis. With `redis` it must be given:
   * apps that share a Redis must not share their responses.
   *
   * @defaultValue 'responses'
   */
  name?: string | undefined
  /**
   * A cache to keep responses in, beside other values: one bound on memory, and one call of
   * `invalidateTags` for both. Contradicts `memory`, `redis`, `namespace` and `redisTimeoutMs`,
   * which are then that cache's own.
   */
  cache?: Cache | undefined
  /**
   * The tier in this process; see `createCache`.
   *
   * @defaultValue 10,000 responses and 64 MiB
   */
  memory?: CacheMemoryOptions | false | undefined
  /** The tier that processes share; see `createCache`. */
  redis?: RedisLike | undefined
  namespace?: string | undefined
  redisTimeoutMs?: number | undefined
  /**
   * How long a response is kept where its route does not say, in milliseconds.
   *
   * @defaultValue 3_600_000 (1 hour)
   */
  ttlMs?: number | undefined
  /** For routes that do not say: see the same option of a route. */
  staleMs?: number | false | undefined
  /** For routes that do not say: see the same option of a route. */
  staleIfErrorMs?: number | false | undefined
  /**
   * Responses with larger bodies are not kept.
   *
   * @defaultValue 1_048_576 (1 MiB)
   */
  maxBodyBytes?: number | undefined
  /**
   * For routes that do not say: see the same option of a route.
   *
   * @defaultValue false
   */
  compress?: CompressOptions | boolean | undefined
  /**
   * For routes that do not say: see the same option of a route.
   *
   * @defaultValue false
   */
  honoursRequests?: boolean | undefined
  clock?: Clock | undefined
}

export interface ResolvedResponseCacheOptions extends RouteDefaults {
  readonly name: string
  readonly cache: Cache
  /** The cache was made here, and is closed here. */
  readonly ownsCache: boolean
  readonly clock: Clock
}

const defaultMaxBytes = 64 * 1024 * 1024
const cacheOptions = ['memory', 'redis', 'namespace', 'redisTimeoutMs'] as const

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveResponseCacheOptions(
  options: ResponseCacheOptions,
  step: CompressStep | undefined,
): ResolvedResponseCacheOptions {
  knownOptions('the response cache', options, [
    'name',
    'cache',
    ...cacheOptions,
    'ttlMs',
    'staleMs',
    'staleIfErrorMs',
    'maxBodyBytes',
    'compress',
    'honoursRequests',
    'clock',
  ])
  const contradiction = cacheOptions.find((name) => options[name] !== undefined)
  if (options.cache !== undefined && contradiction !== undefined) {
    throw new HotpathError(
      'HOTPATH_OPTION_INVALID',
      `the response cache has both a cache and ${contradiction}, which is a matter of that cache: ` +
        `give ${contradiction} to createCache, or leave the cache away`,
    )
  }
  const clock = options.clock ?? systemClock
  const breachPaddingBytes = step?.compressor.breachPaddingBytes ?? false
  const compress = options.compress ?? step?.forCache ?? false
  const ttlMs = positiveMs('ttlMs', options.ttlMs ?? 3_600_000)
  return {
    name: nonEmptyString('name', options.name ?? 'responses'),
    ttlMs,
    staleMs: staleDuration('staleMs', options.staleMs),
    staleIfErrorMs: staleDuration('staleIfErrorMs', options.staleIfErrorMs),
    maxBodyBytes: positiveInteger('maxBodyBytes', options.maxBodyBytes ?? 1_048_576),
    compress: resolveCompress('compress', compress, breachPaddingBytes),
    breachPaddingBytes,
    honoursRequests: options.honoursRequests ?? false,
    clock,
    cache: options.cache ?? makeCache(options, ttlMs, clock),
    ownsCache: options.cache === undefined,
  }
}

function makeCache(options: ResponseCacheOptions, ttlMs: number, clock: Clock): Cache {
  const { memory, redis, namespace, redisTimeoutMs } = options
  return createCache({
    // Without a name of its own a cache with Redis is refused, with a message that says why.
    name: options.name ?? (redis === undefined ? 'responses' : undefined),
    memory: memory === false ? false : { maxBytes: defaultMaxBytes, ...memory },
    redis,
    namespace,
    redisTimeoutMs,
    ttlMs,
    clock,
  })
}
