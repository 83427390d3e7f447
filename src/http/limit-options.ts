import { HotpathError, invalid, knownOptions } from '../core/index.ts'
import {
  createLimiter,
  type Decision,
  type PolicyInput,
  type ResolvedPolicy,
} from '../limit/index.ts'
import { Networks } from './ip-address.ts'

/** What a step asks of a limiter; those of `createLimiter` have it. */
export interface RequestLimiter {
  readonly policies: readonly ResolvedPolicy[]
  take(key: string, cost?: number): Decision | Promise<Decision>
}

/** An answer of the app's own to a request that is refused. */
export interface LimitAnswer {
  /** @defaultValue 429 */
  status?: number | undefined
  /** A text as it is; anything else as JSON. */
  body: unknown
  /** @defaultValue 'application/json; charset=utf-8', or 'text/plain; charset=utf-8' for a text */
  contentType?: string | undefined
}

/** How often requests are let through. `'100/minute'` alone stands for `{ policy: '100/minute' }`. */
export interface LimitOptions<Request> {
  /** What holds for each key: `'100/minute'`, `'10/second and 1000/hour'`. */
  policy?: PolicyInput | undefined
  /**
   * In place of `policy`: a limiter of your own (one that several routes share, one on Redis), or a
   * function that names the one for a request, by its plan for instance; `undefined` from it lets the
   * request through.
   */
  limiter?: RequestLimiter | ((request: Request) => RequestLimiter | undefined) | undefined
  /**
   * Who is limited: the client's address (an IPv6 client by its /64), the value of a header, or what
   * a function makes of the request. A request without that header, or for which the function says
   * `undefined`, is limited by its address.
   *
   * @defaultValue 'address'
   */
  key?:
    | 'address'
    | { readonly header: string }
    | ((request: Request) => string | undefined)
    | undefined
  /**
   * For how many uses a request counts.
   *
   * @defaultValue 1
   */
  cost?: number | ((request: Request) => number) | undefined
  /** Requests for which it is true are not limited. */
  skip?: ((request: Request) => boolean) | undefined
  /** Clients in these networks are not limited. */
  allow?: readonly string[] | undefined
  /**
   * Only reports (on `hotpath:http:limit`): nothing is refused, and no client is told.
   *
   * @defaultValue false
   */
  isShadow?: boolean | undefined
  /**
   * `standard`: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
   * `legacy`: `X-RateLimit-Limit`, `-Remaining` and `-Reset`, in seconds. `Retry-After` is sent with
   * each refusal in any case.
   *
   * @defaultValue 'standard'
   */
  headers?: 'standard' | 'legacy' | 'both' | false | undefined
  /**
   * What a refused request is answered with.
   *
   * @defaultValue problem details (RFC 9457) of the type `quota-exceeded`
   */
  answer?: ((decision: Decision, request: Request) => LimitAnswer) | undefined
}

export interface ResolvedLimitOptions<Request> {
  readonly limiterOf: (request: Request) => RequestLimiter | undefined
  /** The limiter that was made for these options, and ends with them. */
  readonly own: { close(): Promise<void> } | undefined
  readonly header: string | undefined
  readonly key: ((request: Request) => string | undefined) | undefined
  readonly cost: number | ((request: Request) => number)
  readonly skip: ((request: Request) => boolean) | undefined
  readonly allow: Networks | undefined
  readonly isShadow: boolean
  readonly isStandard: boolean
  readonly isLegacy: boolean
  readonly answer: ((decision: Decision, request: Request) => LimitAnswer) | undefined
}

/** @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_LIMIT_POLICY_INVALID */
export function resolveLimitOptions<Request>(
  name: string,
  given: LimitOptions<Request> | string,
): ResolvedLimitOptions<Request> {
  const options: LimitOptions<Request> = typeof given === 'string' ? { policy: given } : given
  knownOptions(name, options, [
    'policy',
    'limiter',
    'key',
    'cost',
    'skip',
    'allow',
    'isShadow',
    'headers',
    'answer',
  ])
  const { policy, limiter, key = 'address', cost = 1, isShadow = false } = options
  const { skip, allow, answer, headers = 'standard' } = options
  if ((policy === undefined) === (limiter === undefined)) {
    throw new HotpathError(
      'HOTPATH_OPTION_INVALID',
      `${name} needs a policy, such as '100/minute', or a limiter, and not both`,
    )
  }
  if (
    limiter !== undefined &&
    typeof limiter !== 'function' &&
    typeof limiter.take !== 'function'
  ) {
    invalid(`${name}.limiter`, 'a limiter of createLimiter, or a function that names one', limiter)
  }
  const isHeader = typeof key === 'object' && key !== null
  if (key !== 'address' && typeof key !== 'function' && !isHeader) {
    invalid(`${name}.key`, "'address', { header }, or a function of the request", key)
  }
  if (isHeader && (typeof key.header !== 'string' || key.header === '')) {
    invalid(`${name}.key.header`, 'the name of a header', key.header)
  }
  if (typeof cost !== 'function' && (!Number.isSafeInteger(cost) || cost < 0)) {
    invalid(`${name}.cost`, 'a whole number of at least 0, or a function', cost)
  }
  for (const [option, value] of Object.entries({ skip, answer })) {
    if (value !== undefined && typeof value !== 'function') {
      invalid(`${name}.${option}`, 'a function', value)
    }
  }
  if (headers !== false && !['standard', 'legacy', 'both'].includes(headers)) {
    invalid(`${name}.headers`, "'standard', 'legacy', 'both' or false", headers)
  }
  const networks = allow === undefined ? undefined : networksOf(`${name}.allow`, allow)
  // Last: it is registered, and must not be for options that are refused.
  const own = policy === undefined ? undefined : createLimiter(policy, { name })
  return {
    limiterOf: typeof limiter === 'function' ? limiter : constant(own ?? limiter),
    own,
    header: isHeader ? key.header.toLowerCase() : undefined,
    key: typeof key === 'function' ? key : undefined,
    cost,
    skip,
    allow: networks,
    isShadow,
    isStandard: headers === 'standard' || headers === 'both',
    isLegacy: headers === 'legacy' || headers === 'both',
    answer,
  }
}

function constant<Value>(value: Value): () => Value {
  return () => value
}

function networksOf(name: string, networks: readonly string[]): Networks {
  try {
    return new Networks(networks)
  } catch {
    return invalid(name, "a list of networks, such as ['10.0.0.0/8', 'loopback']", networks)
  }
}
