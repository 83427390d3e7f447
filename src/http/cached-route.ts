import type { IncomingHttpHeaders } from 'node:http'
import type { Cache } from '../cache/index.ts'
import { eventChannel, type Clock } from '../core/index.ts'
import { answerFrom, onlyIfCachedAnswer, type ReadyAnswer } from './answer.ts'
import { parseRequestControl, type RequestControl } from './cache-control.ts'
import { cacheStatus, staleStatus, type Forward } from './cache-status.ts'
import { Fill } from './fill.ts'
import { ForwardedRequest } from './forwarded-request.ts'
import { hasCredentials, type ResponseHeaders } from './header-rules.ts'
import { RecentKeys, requestKey } from './request-key.ts'
import type { ResponseCounts } from './response-stats.ts'
import type { CacheableRequest, ResolvedRouteOptions, RoutePlace } from './route-options.ts'
import { LazyForms } from './lazy-forms.ts'
import { notStored, type StoredResponse } from './stored-response.ts'
import { urlTag } from './url-tag.ts'
import { locate, nextPlace, peekVariant, type Place } from './variant-lookup.ts'
import { VariantBook, variesAlike } from './variants.ts'

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
  /** It is past its time, or one of its tags has expired. */
  readonly isStale?: boolean
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
  readonly #forms: LazyForms
  readonly #recentKeys = new RecentKeys()
  readonly #variants = new VariantBook()

  constructor({ place, rules, cache, counts, clock }: CachedRouteParts<Request>) {
    this.#place = place
    this.#rules = rules
    this.#cache = cache
    this.#counts = counts
    this.#clock = clock
    this.#forms = new LazyForms(cache, rules.compress)
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
    let stored = this.#cache.peek<StoredResponse>(key)
    if (stored?.vary !== undefined) stored = peekVariant(this.#cache, key, stored, request.headers)
    if (stored === undefined || !this.#rules.honoursRequests) return stored
    const control = parseRequestControl(request.headers)
    return this.#satisfies(stored, control) ? stored : undefined
  }

  /**
   * What to write for a stored response: all of it, or a 304. `own` are the headers that the app's
   * hooks have set for this request; they are kept.
   */
  answer(
    key: string,
    { stored, isCollapsed, isStale }: Found,
    headers: IncomingHttpHeaders,
    own: ResponseHeaders,
  ): ReadyAnswer {
    this.#forms.prepare(key, stored, headers)
    const nowEpochMs = this.#clock.epochMs()
    const status = isCollapsed ? collapsedStatus : hitStatus(stored, isStale, nowEpochMs)
    const { compress } = this.#rules
    const padding = compress !== false && compress.breachPaddingBytes
    const answer =
      stored === notStored
        ? onlyIfCachedAnswer(own)
        : answerFrom(stored, headers, own, nowEpochMs, status, padding)
    const isHit = !isCollapsed && stored !== notStored
    if (isHit) this.#counts.hits++
    else this.#counts.misses++
    if (isCollapsed) this.#counts.collapsed++
    if (answer.status === 304) this.#counts.notModified++
    if (decisions.hasSubscribers) {
      const verdict = isHit ? 'hit' : 'uri-miss'
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
    const control = parseRequestControl(request.headers)
    const place = { base: key, key, depth: 0 }
    if (control !== undefined) {
      if (control.isOnlyIfCached) return this.#find(place, request, control)
      if (this.#rules.honoursRequests) return this.#obey(place, request, inherited, control)
    }
    if (request.method !== 'GET') return this.#find(place, request, control)
    return this.#seek(place, request, inherited, 'uri-miss')
  }

  /** Sends a request past the cache. */
  bypass(request: Request): ForwardedRequest {
    return this.#forward('', request, 'bypass')
  }

  #seek(
    place: Place,
    request: Request,
    inherited: ResponseHeaders,
    forward: Forward,
  ): ForwardedRequest | Promise<Found | ForwardedRequest> {
    const { base, key, depth } = place
    const arrivedEpochMs = this.#clock.epochMs()
    const leading = Promise.withResolvers<ForwardedRequest>()
    let forwarded: ForwardedRequest | undefined
    let isAnswered = false
    let isStale = false
    const onStale = () => {
      isStale = true
    }
    const outcome = this.#cache.getOrSet<StoredResponse | undefined>(
      key,
      (context) => {
        // By the soft or the hard limit of a cache that waited for Redis: nobody would run it.
        if (isAnswered) throw new Error('the request has gone without its handler')
        if (depth === 0) this.#variants.forget(base)
        const rules = this.#rules
        const forms = this.#forms
        const clock = this.#clock
        const forget = () => void this.#cache.delete(key).catch(() => {})
        const fill = new Fill({ context, request, inherited, rules, forms, clock, forget })
        const reason = context.fallback === undefined ? forward : 'stale'
        forwarded = this.#forward(key, request, reason, fill)
        leading.resolve(forwarded)
        return fill.outcome
      },
      { ttlMs: this.#rules.ttlMs, tags: this.#tagsOf(request), isRefreshAwaited: true, onStale },
    )
    const found = outcome.then(
      (stored) => {
        isAnswered = true
        if (forwarded !== undefined) return forwarded
        const isCollapsed = !isStale && (stored?.storedEpochMs ?? 0) >= arrivedEpochMs
        return this.#land(place, request, inherited, stored && { stored, isCollapsed, isStale })
      },
      // A key or tag that the cache does not take, or a cache that is closed: the request goes on.
      () => {
        isAnswered = true
        return forwarded ?? this.#forward(key, request, 'bypass')
      },
    )
    return forwarded ?? Promise.race([leading.promise, found])
  }

  // Another request's response, or one that Redis had: where it varies from this one, the right one
  // stands or will stand beside it.
  #land(
    place: Place,
    request: Request,
    inherited: ResponseHeaders,
    found: Found | undefined,
  ): Found | ForwardedRequest | Promise<Found | ForwardedRequest> {
    if (found === undefined) return this.#forward(place.key, request, 'uri-miss')
    if (variesAlike(found.stored.vary, request.headers)) return found
    const next = nextPlace(place, found.stored, request.headers)
    if (next === undefined || !this.#variants.admits(next.base, next.key)) {
      return this.#forward(place.key, request, 'vary-miss')
    }
    return this.#seek(next, request, inherited, 'vary-miss')
  }

  // A HEAD is answered from what a GET has left, and leaves nothing itself.
  async #find(
    start: Place,
    request: Request,
    control: RequestControl | undefined,
  ): Promise<Found | ForwardedRequest> {
    const { place, stored } = await locate(this.#cache, start, request.headers)
    if (stored !== undefined && this.#satisfies(stored, control)) {
      return { stored, isCollapsed: false }
    }
    if (control?.isOnlyIfCached === true) return { stored: notStored, isCollapsed: false }
    if (place === undefined) return this.#forward(start.key, request, 'bypass')
    if (stored !== undefined) return this.#forward(place.key, request, 'request')
    return this.#forward(place.key, request, place.depth === 0 ? 'uri-miss' : 'vary-miss')
  }

  // What the client has said rules out what is stored, if anything is: the handler makes it anew,
  // for everybody, unless nothing of the exchange may be kept.
  async #obey(
    start: Place,
    request: Request,
    inherited: ResponseHeaders,
    control: RequestControl,
  ): Promise<Found | ForwardedRequest> {
    if (control.isNoStore) return this.#forward(start.key, request, 'request')
    if (request.method !== 'GET') return this.#find(start, request, control)
    const { place, stored } = await locate(this.#cache, start, request.headers)
    if (place === undefined) return this.#forward(start.key, request, 'bypass')
    if (stored === undefined) return this.#seek(start, request, inherited, 'uri-miss')
    if (this.#satisfies(stored, control)) return { stored, isCollapsed: false }
    await this.#cache.delete(place.key)
    return this.#seek(place, request, inherited, 'request')
  }

  #satisfies(stored: StoredResponse, control: RequestControl | undefined): boolean {
    if (control === undefined || !this.#rules.honoursRequests) return true
    if (control.isNoStore) return false
    const nowEpochMs = this.#clock.epochMs()
    return (
      nowEpochMs - stored.bornEpochMs < control.maxAgeMs &&
      stored.freshUntilEpochMs - nowEpochMs >= control.minFreshMs
    )
  }

  #tagsOf(request: Request): readonly string[] {
    const tags = this.#rules.tags?.(request)
    const own = urlTag(request.host, request.url)
    if (tags === undefined) return [own]
    // What is no list is for the cache to refuse.
    return Array.isArray(tags) ? [own, ...tags] : tags
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

const collapsedStatus = cacheStatus({ forward: 'uri-miss', isCollapsed: true })

/** `undefined` for a fresh hit, which the stored head says already. */
function hitStatus(
  { freshUntilEpochMs }: StoredResponse,
  isStale: boolean | undefined,
  nowEpochMs: number,
): string | undefined {
  if (isStale !== true && nowEpochMs < freshUntilEpochMs) return undefined
  return staleStatus(freshUntilEpochMs, nowEpochMs)
}
