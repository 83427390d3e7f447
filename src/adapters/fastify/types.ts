import type { FastifyRequest } from 'fastify'
import type {
  Budgets,
  CachedRouteOptions,
  Compressor,
  CompressorOptions,
  DecodeOptions,
  LimitOptions,
  ObserveOptions,
  ResponseCache,
  ResponseCacheOptions,
  ShedOptions,
  Shedder,
  TrustProxy,
} from '../../http/index.ts'

/** A request as the functions of a route's `cache` get it. */
export type CacheRequest = FastifyRequest<{
  Params: Record<string, string>
  Querystring: Record<string, unknown>
}>

/** What hotpath does for a route: `config: { hotpath: { … } }`. */
export interface HotpathRouteConfig {
  /**
   * Keeps the responses of a GET route.
   *
   * @example
   * ```ts
   * app.get('/users/:id', {
   *   config: { hotpath: { cache: { ttlMs: 60_000, tags: ({ params }) => [`user:${params.id}`] } } },
   * }, handler)
   * ```
   */
  cache?: CachedRouteOptions<CacheRequest> | undefined
  /**
   * Limits the requests to the route, beside the limit of the app; `false` takes the route out of
   * that. It is asked before the route's own hooks, unless it goes by something that they find out:
   * with `key`, `cost` or `limiter` as a function it is asked after them, before the cache.
   */
  limit?: LimitOptions<FastifyRequest> | string | false | undefined
  /** `false` sends the responses of the route as they are. */
  compress?: false | undefined
}

/** How the {@link hotpath} plugin works. */
export interface HotpathFastifyOptions extends ObserveOptions {
  /**
   * The response cache; `false` runs every route without, whatever its config says.
   *
   * @defaultValue {} (in memory, 10,000 responses and 64 MiB)
   */
  cache?: ResponseCacheOptions | false | undefined
  /**
   * Refuses requests, by a 503, that the process could not answer in time.
   *
   * @defaultValue false
   */
  shed?: ShedOptions | false | undefined
  /**
   * A limit for all requests, before any that routes have of their own.
   *
   * @defaultValue false
   */
  limit?: LimitOptions<FastifyRequest> | string | false | undefined
  /**
   * Compresses what routes answer. What the response cache keeps is compressed once, when it is kept:
   * with this, `cache.compress` is on unless it says otherwise.
   *
   * @defaultValue false
   */
  compress?: CompressorOptions | Compressor | boolean | undefined
  /**
   * Decodes the bodies of requests with a `Content-Encoding` of gzip, br or zstd, as far as they stay
   * within limits.
   *
   * @defaultValue false
   */
  decodeRequests?: DecodeOptions | boolean | undefined
  /**
   * Which proxies are believed about the address of a client, and in metrics about its scheme:
   * Fastify's own `trustProxy` has no part in it.
   *
   * @defaultValue false (none: both are those of the socket)
   */
  trustProxy?: TrustProxy | undefined
}

/** What the plugin adds to the app: `app.hotpath`. */
export interface HotpathDecorator {
  /** Undefined with `cache: false`. */
  readonly responseCache: ResponseCache | undefined
  /** Undefined without `budgets`. */
  readonly budgets: Budgets | undefined
  /** Undefined without `shed`. */
  readonly shedder: Shedder | undefined
  /**
   * Forgets the responses with one of the tags, and what running handlers with these tags will
   * answer: await it before a write is confirmed, and the next read sees the write.
   */
  invalidateTags(tags: readonly string[]): Promise<void>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    hotpath?: HotpathRouteConfig | undefined
  }
  interface FastifyInstance {
    hotpath: HotpathDecorator
  }
  interface FastifyReply {
    /**
     * Adds names under which this response can be invalidated, which the handler has learnt from what
     * it is about to answer: of the users on a page, say. Call it before the answer is sent. One that
     * was invalidated since the request came keeps the response from being stored. Does nothing on a
     * route without a cache.
     *
     * @throws HotpathError HOTPATH_CACHE_KEY_INVALID
     */
    cacheTags(tags: readonly string[]): FastifyReply
  }
}
