import type { Dispatcher } from 'undici'
import {
  invalid,
  knownOptions,
  nonNegativeInteger,
  positiveInteger,
  systemClock,
  timerMs,
  timerMsOrOff,
  type Clock,
} from '../core/index.ts'
import type { Parse } from './body.ts'

/** How far a call of {@link fetchAll} has come. */
export interface FetchProgress {
  /** Requests that have ended, well or not. */
  readonly done: number
  readonly failed: number
  /** How many there are; undefined where they come from an iterable. */
  readonly total: number | undefined
}

/** How {@link fetchAll} works. */
export interface FetchOptions<P extends Parse<unknown> = 'json'> {
  /**
   * Requests under way at a time, to all hosts together.
   *
   * @defaultValue 10
   */
  concurrency?: number | undefined
  /**
   * Requests under way at a time to one origin (scheme, host and port). Those who wait for a busy host
   * do not hold up others: up to 4 × `concurrency` requests are read ahead for that. A redirect counts
   * for the host that it came from.
   *
   * @defaultValue `concurrency`
   */
  perHost?: number | undefined
  /**
   * Finds out for each host how many requests it can take at a time, up to `perHost`: it begins with 10,
   * and takes 429, 503, timeouts and broken connections as a sign that there were too many.
   *
   * @defaultValue false
   */
  adaptive?: boolean | undefined
  /**
   * How long one attempt may take, from the wait for a connection to the last byte of the body,
   * redirects included.
   *
   * @defaultValue 30_000
   */
  timeoutMs?: number | false | undefined
  /**
   * How often a request is tried again. Only what cannot do harm twice is: methods that are idempotent
   * (RFC 9110 section 9.2.2) or requests with an `Idempotency-Key`, after a broken connection, a timeout,
   * or a 408, 429, 502, 503 or 504; and any request of which nothing was sent.
   *
   * @defaultValue 2
   */
  retries?: number | undefined
  /**
   * The most retries that a server gets, as a share of the requests that it is sent; the budget is
   * common to all calls in the process, holds at most 100, and begins with 10. `false` takes the limit
   * away.
   *
   * @defaultValue 0.2
   */
  retryBudgetRatio?: number | false | undefined
  /**
   * The longest `Retry-After` that is waited for. Longer ones end the request, with the error's
   * `retryAfterMs`; none is ever undercut.
   *
   * @defaultValue 30_000
   */
  maxRetryAfterMs?: number | undefined
  /**
   * Sends a GET or HEAD a second time when it has not been answered after so long, and takes the
   * answer that comes first. Set it to the p95 of the server; at most 5 % of requests are hedged.
   */
  hedgeAfterMs?: number | undefined
  /**
   * Sends the same GET (address and headers) only once. In an array each one is looked for in the whole
   * array, in an iterable among those under way. They share one `value`.
   *
   * @defaultValue false
   */
  dedupe?: boolean | undefined
  /**
   * The largest body that is read.
   *
   * @defaultValue 10_485_760 (10 MiB)
   */
  maxBodyBytes?: number | undefined
  /**
   * How many redirects are followed. To another origin `Authorization`, `Cookie` and
   * `Proxy-Authorization` do not go along.
   *
   * @defaultValue 10
   */
  maxRedirects?: number | false | undefined
  /**
   * Refuses private, loopback, link-local and all other addresses that are not of the public internet,
   * for the name that the connection is opened to, and for every redirect. Set it where addresses come
   * from users (server-side request forgery).
   *
   * @defaultValue false
   */
  publicAddressesOnly?: boolean | undefined
  /**
   * What becomes of the bodies.
   *
   * @defaultValue 'json'
   */
  parse?: P | undefined
  /**
   * Results of an iterable come in its order. With `false` each comes when it is there.
   *
   * @defaultValue true
   */
  ordered?: boolean | undefined
  /** Called after each result. */
  onProgress?: ((progress: FetchProgress) => void) | undefined
  /** Ends the call: everything under way is closed, and it rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** An undici dispatcher instead of the shared one: a proxy, client certificates, HTTP/2. It stays yours to close. */
  dispatcher?: Dispatcher | undefined
  clock?: Clock | undefined
}

/** The options of one call, checked. */
export interface ResolvedFetchOptions {
  readonly concurrency: number
  readonly perHost: number
  readonly adaptive: boolean
  readonly timeoutMs: number | false
  readonly retries: number
  readonly retryBudgetRatio: number | false
  readonly maxRetryAfterMs: number
  readonly hedgeAfterMs: number | undefined
  readonly dedupe: boolean
  readonly maxBodyBytes: number
  readonly maxRedirects: number | false
  readonly publicAddressesOnly: boolean
  readonly parse: Parse<unknown>
  readonly ordered: boolean
  readonly onProgress: ((progress: FetchProgress) => void) | undefined
  readonly signal: AbortSignal | undefined
  readonly dispatcher: Dispatcher | undefined
  readonly clock: Clock
}

export function resolveFetchOptions(options: FetchOptions<Parse<unknown>>): ResolvedFetchOptions {
  knownOptions('fetchAll', options, names)
  const { concurrency = 10, perHost, hedgeAfterMs, maxRedirects = 10, parse = 'json' } = options
  const { publicAddressesOnly = false, retryBudgetRatio = 0.2, dispatcher } = options
  if (publicAddressesOnly && dispatcher !== undefined) {
    invalid('publicAddressesOnly', 'without a dispatcher: it would look up names unguarded', true)
  }
  if (!['json', 'text', 'bytes'].includes(parse as string) && typeof parse !== 'function') {
    invalid('parse', "'json', 'text', 'bytes' or a function", parse)
  }
  if (retryBudgetRatio !== false && !(retryBudgetRatio > 0 && retryBudgetRatio <= 1)) {
    invalid('retryBudgetRatio', 'a share above 0 and at most 1, or false', retryBudgetRatio)
  }
  return {
    concurrency: positiveInteger('concurrency', concurrency),
    perHost: positiveInteger('perHost', perHost ?? concurrency),
    adaptive: options.adaptive ?? false,
    timeoutMs: timerMsOrOff('timeoutMs', options.timeoutMs ?? 30_000),
    retries: nonNegativeInteger('retries', options.retries ?? 2),
    retryBudgetRatio,
    maxRetryAfterMs: timerMs('maxRetryAfterMs', options.maxRetryAfterMs ?? 30_000),
    hedgeAfterMs: hedgeAfterMs === undefined ? undefined : timerMs('hedgeAfterMs', hedgeAfterMs),
    dedupe: options.dedupe ?? false,
    maxBodyBytes: positiveInteger('maxBodyBytes', options.maxBodyBytes ?? 10_485_760),
    maxRedirects: maxRedirects === false ? false : positiveInteger('maxRedirects', maxRedirects),
    publicAddressesOnly,
    parse,
    ordered: options.ordered ?? true,
    onProgress: options.onProgress,
    signal: options.signal,
    dispatcher,
    clock: options.clock ?? systemClock,
  }
}

const names: readonly (keyof FetchOptions)[] = [
  'concurrency',
  'perHost',
  'adaptive',
  'timeoutMs',
  'retries',
  'retryBudgetRatio',
  'maxRetryAfterMs',
  'hedgeAfterMs',
  'dedupe',
  'maxBodyBytes',
  'maxRedirects',
  'publicAddressesOnly',
  'parse',
  'ordered',
  'onProgress',
  'signal',
  'dispatcher',
  'clock',
]
