import type { Cache } from '../cache/index.ts'
import { register, type Clock } from '../core/index.ts'
import { CachedRoute } from './cached-route.ts'
import type { CompressStep } from './compress-step.ts'
import type { ResponseHeaders } from './header-rules.ts'
import {
  resolveResponseCacheOptions,
  type ResolvedResponseCacheOptions,
  type ResponseCacheOptions,
} from './response-cache-options.ts'
import {
  resolveRouteOptions,
  type CacheableRequest,
  type CachedRouteOptions,
  type RoutePlace,
} from './route-options.ts'
import { responseCounts, type ResponseCacheStats } from './response-stats.ts'
import { outdatedTags } from './url-tag.ts'

/** Keeps whole responses, as bytes that are ready to be written. */
export interface ResponseCache {
  readonly name: string
  /** Where the responses are kept. */
  readonly cache: Cache
  /**
   * The cache step of one route.
   *
   * @throws HotpathError HOTPATH_HTTP_ROUTE_INVALID, HOTPATH_OPTION_INVALID
   */
  route<Request extends CacheableRequest>(
    place: RoutePlace,
    options: CachedRouteOptions<Request>,
  ): CachedRoute<Request>
  /**
   * Forgets what is stored of the address that an unsafe request (`POST`, `PUT`, `PATCH`, `DELETE` …)
   * was answered for without an error, and of those that its `Location` and `Content-Location` name
   * on the same host (RFC 9111, 4.4). Does nothing for any other. In memory at once; the promise
   * resolves as that of `Cache.invalidateTags` does.
   */
  settleUnsafe(
    request: Pick<CacheableRequest, 'method' | 'host' | 'url'>,
    status: number,
    headers: ResponseHeaders,
  ): Promise<void>
  /** Forgets the responses with one of the tags; see `Cache.invalidateTags`. */
  invalidateTags(tags: readonly string[]): Promise<void>
  stats(): ResponseCacheStats
  /** From now on every request goes to its handler. Closes the cache, unless it was handed in. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a response cache for an adapter to work with.
 *
 * @param compress - of the app: says what is kept compressed, where the options do not, and how it is padded
 * @throws HotpathError HOTPATH_OPTION_INVALID
 */
export function createResponseCache(
  options: ResponseCacheOptions = {},
  compress?: CompressStep,
): ResponseCache {
  return new BytesCache(resolveResponseCacheOptions(options, compress))
}

class BytesCache implements ResponseCache {
  readonly name: string
  readonly cache: Cache
  readonly #options: ResolvedResponseCacheOptions
  readonly #counts = responseCounts()
  readonly #clock: Clock
  readonly #unregister: () => void

  constructor(options: ResolvedResponseCacheOptions) {
    this.name = options.name
    this.cache = options.cache
    this.#options = options
    this.#clock = options.clock
    this.#unregister = register('response-cache', options.name, () => this.stats())
  }

  route<Request extends CacheableRequest>(
    place: RoutePlace,
    options: CachedRouteOptions<Request>,
  ): CachedRoute<Request> {
    return new CachedRoute({
      place,
      rules: resolveRouteOptions(place.route, options, this.#options),
      cache: this.cache,
      counts: this.#counts,
      clock: this.#clock,
    })
  }

  async settleUnsafe(
    request: Pick<CacheableRequest, 'method' | 'host' | 'url'>,
    status: number,
    headers: ResponseHeaders,
  ): Promise<void> {
    const tags = outdatedTags(request, status, headers)
    if (tags.length === 0) return
    try {
      await this.cache.invalidateTags(tags)
    } catch {
      // Only a cache that is closed refuses: it answers nobody any more, and a write is no less done.
    }
  }

  async invalidateTags(tags: readonly string[]): Promise<void> {
    await this.cache.invalidateTags(tags)
  }

  stats(): ResponseCacheStats {
    const { hits, misses } = this.#counts
    const answered = hits + misses
    return {
      ...this.#counts,
      hitRatio: answered === 0 ? 0 : hits / answered,
      cache: this.cache.stats(),
    }
  }

  async close(): Promise<void> {
    this.#unregister()
    if (this.#options.ownsCache) await this.cache.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
