import type { IncomingHttpHeaders } from 'node:http'
import type { Cache } from '../cache/index.ts'
import { eventChannel, type Clock } from '../core/index.ts'
import { answerFrom, type ReadyAnswer } from './answer.ts'
import { cacheStatus, type Forward } from './cache-status.ts'
import { Fill } from './fill.ts'
import { ForwardedRequest } from './forwarded-request.ts'
import { hasCredentials, type ResponseHeaders } from './header-rules.ts'
import { RecentKeys, requestKey } from './request-key.ts'
import type { ResponseCounts } from './response-stats.ts'
import type { CacheableRequest, ResolvedRouteOptions, RoutePlace } from './route-options.ts'
import { variesAlike } from './storable.ts'
import type { StoredResponse } from './stored-response.ts'

const decisions = eventChannel('hotpath:http:cache')

/** What a {@link CachedRoute} works with. */
export interface CachedRouteParts<Request> {
  readonly place: RoutePlace
  readonly rules: ResolvedRouteOptions<Request>
  readonly cache: Cache
  readonly counts: ResponseCounts
  readonly clock: Clock
}

/** A stored response for a request that had to wait for it. */
export interface Found {
  readonly stored: StoredResponse
  /** It is the answer to another request, which ran at the same time. */
  readonly isCollapsed: boolean
}

/**
 * The cache step of one route. An adapter asks, in this order: `keyOf`, whether the cache has
 * anything to do with the request; `peek`, which knows at once whether memory has the answer; and
 * `enter`, which finds it elsewhere or sends the request on to its handler.
 */
export class CachedRoute<Request extends CacheableRequest> {
  readonly #place: RoutePlace
  readonly #rules: ResolvedRouteOptions<Request>
  readonly #cache: Cache
  readonly #counts: ResponseCounts
  readonly #clock: Clock
  readonly #recentKeys = new RecentKeys()

  constructor({ place, rules, cache, counts, clock }: CachedRouteParts<Request>) {
    this.#place = place
    this.#rules = rules
    this.#cache = cache
    this.#counts = counts
    this.#clock = clock
  }

  /** The response is the same for everybody: it may be answered before the app knows who asks. */
  get isPublic(): boolean {
    return this.#rules.isPublic
  }

  /** Larger bodies need not be gathered: they are not kept. */
  get maxBodyBytes(): number {
    return this.#rules.maxBodyBytes
  }

  /** The key of the response to this request; `undefined` sends it past the cache. */
  keyOf(request: Request): string | undefined {
    const { isPublic, key, query } = this.#rules
    const { scope } = this.#place
    if (key !== undefined) {
      const viewer = key(request)
      return viewer === undefined ? undefined : requestKey(scope, request, query, viewer)
    }
    if (!isPublic && hasCredentials(request.headers)) return undefined
    if (query !== undefined) return requestKey(scope, request, query, undefined)
    return this.#recentKeys.of(scope, request)
  }

  /** The stored response, if memory has it. */
  peek(key: string, request: Request): StoredResponse | undefined {
    const stored = this.#cache.peek<StoredResponse>(key)
    if (stored === undefined || !variesAlike(stored.vary, request.headers)) return undefined
    return stored
  }

  /**
   * What to write for a stored response: all of it, or a 304. `own` are the headers that the app's
   * hooks have set for this request; they are kept.
   */
  answer(
    key: string,
    { stored, isCollapsed }: Found,
    headers: IncomingHttpHeaders,
    own: ResponseHeaders,
  ): ReadyAnswer {
    const status = isCollapsed ? cacheStatus({ forward: 'uri-miss', isCollapsed }) : undefined
    const answer = answerFrom(stored, headers, own, this.#clock.epochMs(), status)
    if (isCollapsed) {
      this.#counts.misses++
      this.#counts.collapsed++
    } else {
      this.#counts.hits++
    }
    if (answer.status === 304) this.#counts.notModified++
    if (decisions.hasSubscribers) {
      const verdict = isCollapsed ? 'uri-miss' : 'hit'
      decisions.publish({ route: this.#place.route, key, verdict, stored: false })
    }
    return answer
  }

  /**
   * The way of a request that memory could not answer. Where the request is the first of its key,
   * and there is no Redis to ask, it is sent on at once, without a promise between it and its
   * handler. `inherited` are the headers that the app's hooks have set so far.
   */
  enter(
    key: string,
    request: Request,
    inherited: ResponseHeaders,
  ): ForwardedRequest | Promise<Found | ForwardedRequest> {
    if (request.method !== 'GET') return this.#find(key, request)
    const arrivedEpochMs = this.#clock.epochMs()
    const leading = Promise.withResolvers<ForwardedRequest>()
    let forwarded: ForwardedRequest | undefined
    const outcome = this.#cache.getOrSet<StoredResponse | undefined>(
      key,
      (context) => {
        const rules = this.#rules
        const fill = new Fill({ context, request, inherited, rules, clock: this.#clock })
        forwarded = this.#forward(key, request, 'uri-miss', fill)
        leading.resolve(forwarded)
        return fill.outcome
      },
      { ttlMs: this.#rules.ttlMs, tags: this.#rules.tags?.(request) },
    )
    const found = outcome.then(
      (stored) => forwarded ?? this.#found(key, request, stored, arrivedEpochMs),
      // A key or tag that the cache does not take, or a cache that is closed: the request goes on.
      () => forwarded ?? this.#forward(key, request, 'bypass'),
    )
    return forwarded ?? Promise.race([leading.promise, found])
  }

  /** Sends a request past the cache. */
  bypass(request: Request): ForwardedRequest {
    return this.#forward('', request, 'bypass')
  }

  // A HEAD is answered from what a GET has left, and leaves nothing itself.
  async #find(key: string, request: Request): Promise<Found | ForwardedRequest> {
    try {
      const stored = await this.#cache.get<StoredResponse>(key)
      return this.#found(key, request, stored, Infinity)
    } catch {
      return this.#forward(key, request, 'bypass')
    }
  }

  #found(
    key: string,
    request: Request,
    stored: StoredResponse | undefined,
    arrivedEpochMs: number,
  ): Found | ForwardedRequest {
    if (stored === undefined) return this.#forward(key, request, 'uri-miss')
    if (!variesAlike(stored.vary, request.headers)) return this.#forward(key, request, 'vary-miss')
    return { stored, isCollapsed: stored.storedEpochMs >= arrivedEpochMs }
  }

  #forward(key: string, request: Request, forward: Forward, fill?: Fill): ForwardedRequest {
    if (forward === 'bypass') this.#counts.bypasses++
    else this.#counts.misses++
    return new ForwardedRequest(forward, request.headers, fill, (isStored) => {
      if (isStored) this.#counts.stored++
      if (!decisions.hasSubscribers) return
      decisions.publish({ route: this.#place.route, key, verdict: forward, stored: isStored })
    })
  }
}
