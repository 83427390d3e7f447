import type { ServerResponse } from 'node:http'
import { invalid, nonNegativeInteger } from '../core/index.ts'
import { createBudgets, type Budgets, type RequestKind } from '../measure/index.ts'
import type { TrustedProxies } from './client-address.ts'
import { clientScheme } from './client-scheme.ts'
import {
  attachExchange,
  Exchange,
  exchangeOf,
  type ExchangeEnd,
  type ObservedRequest,
} from './exchange.ts'
import type { ObserveOptions } from './observe-options.ts'
import { isDevelopment, warnAfter, warningTraceEntries } from './repeated-queries.ts'
import { sendServerTiming, serverTiming } from './server-timing.ts'

/** Opens the exchanges of an adapter, and sees to what follows their ends. */
export class ObserveStep {
  readonly budgets: Budgets | undefined
  readonly #isOwn: boolean
  readonly #maxTraceEntries: number
  readonly #warns: boolean
  readonly #sendsTiming: boolean
  readonly #proxies: TrustedProxies | undefined

  constructor({ budgets, maxTraceEntries, warns, sendsTiming, proxies }: ResolvedObserveOptions) {
    this.#isOwn = budgets === true || (budgets !== false && !('record' in budgets))
    this.budgets = resolveBudgets(budgets)
    this.#maxTraceEntries = maxTraceEntries
    this.#warns = warns
    this.#sendsTiming = sendsTiming
    this.#proxies = proxies
  }

  /**
   * Opens an exchange on a response of `node:http`, which also says when it ends. Later steps find it
   * there.
   */
  open(request: ObservedRequest, response: ServerResponse): Exchange {
    const exchange = this.openAlone(request, response)
    response.on('close', endOnClose)
    if (this.#sendsTiming) sendServerTiming(response, () => this.#timingOf(exchange))
    return exchange
  }

  /** The same without a response of `node:http`: whoever opens the exchange ends it. */
  openAlone(request: ObservedRequest, carrier: object): Exchange {
    const exchange = new Exchange(request, this.#maxTraceEntries, this.#settle)
    // Now: a socket that was closed knows no address any more.
    if (this.budgets !== undefined) exchange.scheme = clientScheme(request, this.#proxies)
    attachExchange(carrier, exchange)
    return exchange
  }

  /** What is to be sent as `Server-Timing`; undefined where it is off. */
  timingOf(exchange: Exchange): string | undefined {
    return this.#sendsTiming ? this.#timingOf(exchange) : undefined
  }

  async close(): Promise<void> {
    if (this.#isOwn) await this.budgets?.close()
  }

  readonly #settle = (exchange: Exchange, { durationMs, status, isSent }: ExchangeEnd): void => {
    const { method, scheme, pattern: route, cacheVerdict } = exchange
    // Refused by a limit or by the shedder, it has not been what it would have been.
    const isBroken = !isSent || status >= 500 || status === 429
    const kind = kindOf(exchange)
    this.budgets?.record({ method, scheme, route, kind, durationMs, isBroken, cacheVerdict })
    if (this.#warns) warnAfter(exchange)
  }

  #timingOf(exchange: Exchange): string {
    const { method, pattern: route } = exchange
    const kind = kindOf(exchange)
    return serverTiming(exchange, kind, this.budgets?.budgetMs({ method, route, kind }))
  }
}

// One function for all responses, and no `once`, which would make two more for each: it is the cost of
// every request.
function endOnClose(this: ServerResponse): void {
  exchangeOf(this)?.end(this.statusCode, this.writableEnded)
}

interface ResolvedObserveOptions {
  readonly budgets: NonNullable<ObserveOptions['budgets']>
  readonly maxTraceEntries: number
  readonly warns: boolean
  readonly sendsTiming: boolean
  readonly proxies: TrustedProxies | undefined
}

/**
 * Undefined where nothing is to be observed: then nothing is opened.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 */
export function resolveObserveStep(
  options: ObserveOptions,
  proxies: TrustedProxies | undefined,
): ObserveStep | undefined {
  const { warnRepeatedQueries: warns = isDevelopment(), budgets = false } = options
  const { serverTiming: sendsTiming = false } = options
  if (options.warnRepeatedQueries === true && options.maxTraceEntries === 0) {
    invalid('maxTraceEntries', 'above 0 with warnRepeatedQueries, which reads the trace', 0)
  }
  const traceEntries = options.maxTraceEntries ?? (warns ? warningTraceEntries : 0)
  const maxTraceEntries = nonNegativeInteger('maxTraceEntries', traceEntries)
  if (maxTraceEntries === 0 && budgets === false && !sendsTiming) return undefined
  return new ObserveStep({ budgets, maxTraceEntries, warns, sendsTiming, proxies })
}

function resolveBudgets(given: NonNullable<ObserveOptions['budgets']>): Budgets | undefined {
  if (given === false) return undefined
  if (given === true) return createBudgets()
  return 'record' in given ? given : createBudgets(given)
}

// A pool notes in the request's context that it was asked: no trace is needed for it.
function kindOf({ cacheVerdict, usesDatabase }: Exchange): RequestKind {
  if (cacheVerdict === 'hit') return 'cached'
  return usesDatabase ? 'database' : 'simple'
}
