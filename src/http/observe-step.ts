import type { ServerResponse } from 'node:http'
import { invalid, nonNegativeInteger } from '../core/index.ts'
import { attachExchange, Exchange, type ExchangeEnd, type ObservedRequest } from './exchange.ts'
import { isDevelopment, warnAfter, warningTraceEntries } from './repeated-queries.ts'

/** What an adapter's options say about watching its requests. */
export interface ObserveOptions {
  /**
   * Entries that the trace of one request keeps (queries, cache verdicts, outgoing calls, tasks); 0
   * traces nothing and costs nothing. With a number every handler runs in a request context that
   * `requestContext()` reads. For development and for the doctor.
   *
   * @defaultValue 0, or 1,000 with `warnRepeatedQueries`
   */
  maxTraceEntries?: number | undefined
  /**
   * Traces requests, and warns on the console of each line that asks a query once for every row of
   * another one; see `findRepeatedQueries`. For development: it costs two stacks for each query.
   *
   * @defaultValue true where NODE_ENV is 'development', else false
   */
  warnRepeatedQueries?: boolean | undefined
}

/** The names of {@link ObserveOptions}, for the check of an adapter's own. */
export const observeOptionNames: readonly string[] = ['maxTraceEntries', 'warnRepeatedQueries']

/** Opens the exchanges of an adapter, and sees to what follows their ends. */
export class ObserveStep {
  readonly #maxTraceEntries: number
  readonly #warns: boolean

  constructor(maxTraceEntries: number, warns: boolean) {
    this.#maxTraceEntries = maxTraceEntries
    this.#warns = warns
  }

  /**
   * Opens an exchange on a response of `node:http`, which also says when it ends.
   *
   * @param carrier - where later steps look for it, if not on the response
   */
  open(request: ObservedRequest, response: ServerResponse, carrier: object = response): Exchange {
    const exchange = this.openAlone(request, carrier)
    response.once('close', () => exchange.end(response.statusCode, response.writableFinished))
    return exchange
  }

  /** The same without a response of `node:http`: whoever opens the exchange ends it. */
  openAlone(request: ObservedRequest, carrier: object): Exchange {
    const exchange = new Exchange(request, this.#maxTraceEntries, this.#settle)
    attachExchange(carrier, exchange)
    return exchange
  }

  readonly #settle = (exchange: Exchange, _end: ExchangeEnd): void => {
    if (this.#warns) warnAfter(exchange.scope)
  }
}

/**
 * Undefined where nothing is to be observed: then nothing is opened.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 */
export function resolveObserveStep(options: ObserveOptions): ObserveStep | undefined {
  const { warnRepeatedQueries: warns = isDevelopment() } = options
  if (options.warnRepeatedQueries === true && options.maxTraceEntries === 0) {
    invalid('maxTraceEntries', 'above 0 with warnRepeatedQueries, which reads the trace', 0)
  }
  const traceEntries = options.maxTraceEntries ?? (warns ? warningTraceEntries : 0)
  const maxTraceEntries = nonNegativeInteger('maxTraceEntries', traceEntries)
  if (maxTraceEntries === 0) return undefined
  return new ObserveStep(maxTraceEntries, warns)
}
