import type { IncomingHttpHeaders } from 'node:http'
import { HotpathError, knownOptions, positiveInteger, positiveMs } from '../core/index.ts'
import { resolveCompress, type CompressOptions, type ResolvedCompressOptions } from './encodings.ts'

/** What the response cache reads of a request; the requests of frameworks have this shape. */
export interface CacheableRequest {
  readonly method: string
  /** Path and query, as they came. */
  readonly url: string
  readonly host: string
  readonly headers: IncomingHttpHeaders
  /** The query as the app's own parser read it. */
  readonly query: unknown
}

/** How the responses of one route are cached. */
export interface CachedRouteOptions<Request> {
  /**
   * How long a response is kept, in milliseconds; shorter where its own `Cache-Control` or
   * `Expires` says so.
   *
   * @defaultValue the response cache's `ttlMs`
   */
  ttlMs?: number | undefined
  /**
   * How long after that, in milliseconds, a response may still be served while the handler makes a
   * new one: one request waits for it, all others are answered at once. A `stale-while-revalidate`
   * of the response may ask for less (RFC 5861); `must-revalidate`, `proxy-revalidate` and
   * `s-maxage` rule it out. `false` rules it out whatever a response says.
   *
   * @defaultValue what the response says, else not at all
   */
  staleMs?: number | false | undefined
  /**
   * How long after that, in milliseconds, a response may still be served where the handler fails,
   * with a status of 500 or above; as `staleMs`, for `stale-if-error`.
   *
   * @defaultValue what the response says, else not at all
   */
  staleIfErrorMs?: number | false | undefined
  /**
   * How long a 404 is kept, in milliseconds.
   *
   * @defaultValue false (not at all, unless it carries a `Cache-Control` or `Expires` of its own)
   */
  notFoundTtlMs?: number | false | undefined
  /**
   * Names under which the response can be invalidated. Called when the handler is about to run:
   * what is invalidated while it runs is not kept. A handler adds those that it learns from what it
   * answers (on Fastify: `reply.cacheTags(['user:7'])`).
   */
  tags?: ((request: Request) => readonly string[]) | undefined
  /**
   * Names who may see the response (a user, a tenant, a role), and whatever else it depends on
   * besides host, path and query. Only with it, or with `isPublic`, are requests with credentials
   * (`Authorization`, `Cookie`, `X-API-Key` …) answered from the cache, and `private` responses kept.
   * Called after all of the app's hooks, so that it may read what a login hook has found out;
   * `undefined` sends the request past the cache.
   */
  key?: ((request: Request) => string | undefined) | undefined
  /**
   * The query parameters that the response depends on, as the app's parser names them; all others
   * are left out of the key, so that a client cannot make new keys with them.
   *
   * @defaultValue all parameters, in any order
   */
  query?: readonly string[] | undefined
  /**
   * The response is the same for everybody, whatever their credentials. It may then be answered
   * before the app has looked at them. Contradicts `key`.
   *
   * @defaultValue false
   */
  isPublic?: boolean | undefined
  /**
   * Larger bodies are not kept.
   *
   * @defaultValue the response cache's `maxBodyBytes`
   */
  maxBodyBytes?: number | undefined
  /**
   * Keeps each response compressed, too: once in each coding, and from then on clients get the bytes
   * that they accept. `true` or {@link CompressOptions}.
   *
   * @defaultValue the response cache's `compress`
   */
  compress?: CompressOptions | boolean | undefined
  /**
   * A client's `Cache-Control` (`no-cache`, `no-store`, `max-age`, `min-fresh`) and `Pragma` may keep it
   * from being answered from the cache. They are advisory (RFC 9111, 5.2.1), and whoever may use them
   * may reach the handler as often as he likes. `only-if-cached`, which spares the handler, always
   * counts.
   *
   * @defaultValue the response cache's `honoursRequests`
   */
  honoursRequests?: boolean | undefined
}

/** Where a route stands, as its adapter sees it. */
export interface RoutePlace {
  /** The pattern, such as `/users/:id`. */
  readonly route: string
  /** Tells apart routes that share a path: their constraints, for instance. Empty for most. */
  readonly scope: string
}

/** What decides about keeping a response; see `storability`. */
export interface StoringRules {
  readonly ttlMs: number
  readonly notFoundTtlMs: number | false
  readonly staleMs: number | false | undefined
  readonly staleIfErrorMs: number | false | undefined
  readonly maxBodyBytes: number
  readonly compress: ResolvedCompressOptions | false
  /** The key names the viewer, so that nothing is shared between viewers. */
  readonly keepsPrivate: boolean
}

export interface ResolvedRouteOptions<Request> extends StoringRules {
  readonly tags: ((request: Request) => readonly string[]) | undefined
  readonly key: ((request: Request) => string | undefined) | undefined
  readonly query: readonly string[] | undefined
  readonly isPublic: boolean
  readonly honoursRequests: boolean
}

/** What routes take over from their cache where they do not say. */
export interface RouteDefaults {
  readonly ttlMs: number
  readonly staleMs: number | false | undefined
  readonly staleIfErrorMs: number | false | undefined
  readonly maxBodyBytes: number
  readonly compress: ResolvedCompressOptions | false
  /** That of the app's compressor. */
  readonly breachPaddingBytes: number | false
  readonly honoursRequests: boolean
}

/** @throws HotpathError HOTPATH_HTTP_ROUTE_INVALID, HOTPATH_OPTION_INVALID */
export function resolveRouteOptions<Request>(
  route: string,
  options: CachedRouteOptions<Request>,
  defaults: RouteDefaults,
): ResolvedRouteOptions<Request> {
  const owner = `the cache of route ${route}`
  knownOptions(owner, options, [
    'ttlMs',
    'staleMs',
    'staleIfErrorMs',
    'notFoundTtlMs',
    'tags',
    'key',
    'query',
    'isPublic',
    'maxBodyBytes',
    'compress',
    'honoursRequests',
  ])
  const { tags, key, query, isPublic = false, notFoundTtlMs = false } = options
  const refuse = (why: string): never => {
    throw new HotpathError('HOTPATH_HTTP_ROUTE_INVALID', `${owner} ${why}`)
  }
  if (tags !== undefined && typeof tags !== 'function') {
    refuse('has tags that are no function: write tags: (request) => [...]')
  }
  if (key !== undefined && typeof key !== 'function') {
    refuse('has a key that is no function: write key: (request) => `user:${request.user.id}`')
  }
  if (isPublic && key !== undefined) {
    refuse(
      'has both a key and isPublic: a public response is answered before the app knows who asks, ' +
        'and is the same for everybody; take one of the two away',
    )
  }
  if (query !== undefined && !isListOfNames(query)) {
    refuse("has a query that is no list of parameter names: write query: ['tag', 'cursor']")
  }
  return {
    ttlMs: positiveMs('cache.ttlMs', options.ttlMs ?? defaults.ttlMs),
    staleMs: staleDuration('cache.staleMs', options.staleMs ?? defaults.staleMs),
    staleIfErrorMs: staleDuration(
      'cache.staleIfErrorMs',
      options.staleIfErrorMs ?? defaults.staleIfErrorMs,
    ),
    notFoundTtlMs:
      notFoundTtlMs === false ? false : positiveMs('cache.notFoundTtlMs', notFoundTtlMs),
    maxBodyBytes: positiveInteger(
      'cache.maxBodyBytes',
      options.maxBodyBytes ?? defaults.maxBodyBytes,
    ),
    compress:
      options.compress === undefined
        ? defaults.compress
        : resolveCompress('cache.compress', options.compress, defaults.breachPaddingBytes),
    honoursRequests: options.honoursRequests ?? defaults.honoursRequests,
    keepsPrivate: key !== undefined,
    tags,
    key,
    query,
    isPublic,
  }
}

/** A duration, `false` for never, or `undefined` for what the response says. */
export function staleDuration(
  name: string,
  value: number | false | undefined,
): number | false | undefined {
  return value === undefined || value === false ? value : positiveMs(name, value)
}

function isListOfNames(query: readonly string[]): boolean {
  return Array.isArray(query) && query.every((name) => typeof name === 'string' && name !== '')
}
