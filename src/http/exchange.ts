import type { Found } from './cached-route.ts'
import type { ArrivedRequest } from './client-scheme.ts'
import type { ForwardedRequest } from './forwarded-request.ts'
import { notStored } from './stored-response.ts'
import type { UrlScheme } from '../measure/index.ts'
import { needsRequestContext, RequestScope, runInRequest, systemClock } from '../core/index.ts'

/** How a request ended. */
export interface ExchangeEnd {
  readonly durationMs: number
  readonly status: number
  /** The response was made as a whole; false where the client had gone before. */
  readonly isSent: boolean
}

/** `collapsed`: answered with the response to another request, for whose handler it has waited. */
export type CacheVerdict = 'hit' | 'miss' | 'collapsed'

/** A request as the adapter hands it over when it arrives. */
export interface ObservedRequest extends ArrivedRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** The pattern of the route, asked when somebody wants to know; undefined before it is found. */
  readonly pattern: string | undefined
}

/** One request on its way from the adapter's first step to the last byte of its response. */
export class Exchange extends RequestScope {
  /** What the response cache said; undefined on a route without one, or where it was passed by. */
  cacheVerdict: CacheVerdict | undefined = undefined
  /** How the client has asked, where somebody counts by it. */
  scheme: UrlScheme | undefined = undefined
  readonly #request: ObservedRequest
  readonly #onEnd: (exchange: Exchange, end: ExchangeEnd) => void
  #name: string | undefined = undefined
  #hasEnded = false

  constructor(
    request: ObservedRequest,
    maxTraceEntries: number,
    onEnd: (exchange: Exchange, end: ExchangeEnd) => void,
  ) {
    super({ route: '', maxTraceEntries })
    this.#request = request
    this.#onEnd = onEnd
  }

  get method(): string {
    return this.#request.method
  }

  override get route(): string {
    return this.#name ?? routeOf(this.#request)
  }

  /** The pattern of the route that answers, as far as it is known by now. */
  get pattern(): string | undefined {
    return this.#name ?? this.#request.pattern
  }

  get elapsedMs(): number {
    return systemClock.monotonicMs() - this.startedMs
  }

  /** For those who know the pattern before the framework is asked, or where it has none. */
  nameRoute(name: string): void {
    this.#name = name
  }

  /** Calling it again does nothing. */
  end(status: number, isSent: boolean): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#onEnd(this, { durationMs: this.elapsedMs, status, isSent })
  }
}

/** What an exchange hangs on, so that later steps find it: a response of Node or a context of Hono. */
interface Carrier {
  [exchangeKey]?: Exchange
}

const exchangeKey: unique symbol = Symbol('hotpath exchange')

export function attachExchange(carrier: object, exchange: Exchange): void {
  ;(carrier as Carrier)[exchangeKey] = exchange
}

/** Undefined where nobody observes. */
export function exchangeOf(carrier: object): Exchange | undefined {
  return (carrier as Carrier)[exchangeKey]
}

/** Notes that the response cache answers. */
export function noteFound(carrier: object, { stored, isCollapsed }: Found): void {
  const exchange = exchangeOf(carrier)
  if (exchange === undefined) return
  if (stored === notStored) exchange.cacheVerdict = 'miss'
  else exchange.cacheVerdict = isCollapsed ? 'collapsed' : 'hit'
}

/** Notes that the response cache lets a request through to its handler. */
export function noteForwarded(carrier: object, { isBypass }: ForwardedRequest): void {
  const exchange = exchangeOf(carrier)
  if (exchange !== undefined && !isBypass) exchange.cacheVerdict = 'miss'
}

/** Runs the rest of a request in its context, where there is one or somebody wants one. */
export function runExchange<T>(
  exchange: Exchange | undefined,
  request: () => ObservedRequest,
  work: () => T,
): T {
  if (exchange !== undefined) return exchange.run(work)
  if (!needsRequestContext(0)) return work()
  const observed = request()
  return runInRequest({ route: () => routeOf(observed) }, work)
}

// Where no route answers, or none is known, the path says most.
function routeOf({ pattern, url }: ObservedRequest): string {
  const queryAt = url.indexOf('?')
  return pattern ?? (queryAt === -1 ? url : url.slice(0, queryAt))
}
