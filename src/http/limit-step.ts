import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { eventChannel } from '../core/index.ts'
import type { Decision } from '../limit/index.ts'
import type { ReadyAnswer } from './answer.ts'
import { clientAddress, type TrustedProxies } from './client-address.ts'
import { addressKey } from './ip-address.ts'
import { LimitHeaders, refusedAnswer } from './limit-headers.ts'
import {
  resolveLimitOptions,
  type LimitOptions,
  type RequestLimiter,
  type ResolvedLimitOptions,
} from './limit-options.ts'
import { writeAnswer } from './node-answer.ts'

const verdicts = eventChannel('hotpath:http:limit')

/** What a {@link LimitStep} reads of a request. */
export interface LimitedRequest<Raw> {
  /** What the functions of the app get. */
  readonly raw: Raw
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly socketAddress: string | undefined
}

/** What becomes of a request: it goes on, and its response has these headers, or it is answered. */
export type LimitVerdict =
  | { readonly refusal: undefined; readonly head: readonly string[] }
  | { readonly refusal: ReadyAnswer }

const untouched: LimitVerdict = { refusal: undefined, head: [] }

/** Counts requests against limits, before anything that costs. */
export class LimitStep<Raw> {
  readonly #options: ResolvedLimitOptions<Raw>
  readonly #proxies: TrustedProxies | undefined
  readonly #headers: LimitHeaders

  /** @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_LIMIT_POLICY_INVALID */
  constructor(
    name: string,
    options: LimitOptions<Raw> | string,
    proxies: TrustedProxies | undefined,
  ) {
    this.#options = resolveLimitOptions(name, options)
    this.#proxies = proxies
    this.#headers = new LimitHeaders(this.#options)
  }

  /** A promise only where the limiter has to ask somebody. Throws what the app's functions throw. */
  judge(request: LimitedRequest<Raw>): LimitVerdict | Promise<LimitVerdict> {
    const { skip, allow, limiterOf, cost } = this.#options
    const { raw } = request
    if (skip?.(raw) === true) return untouched
    const address = clientAddress(request.socketAddress, request.headers, this.#proxies)
    if (allow?.has(address) === true) return untouched
    const limiter = limiterOf(raw)
    if (limiter === undefined) return untouched
    const key = this.#keyOf(request, address)
    const decision = limiter.take(key, typeof cost === 'function' ? cost(raw) : cost)
    if (decision instanceof Promise) {
      return decision.then((made) => this.#verdict(made, limiter, key, request))
    }
    return this.#verdict(decision, limiter, key, request)
  }

  /**
   * The same on a response of `node:http`, which gets the headers, or the refusal. True: the request
   * goes on.
   */
  lets(request: LimitedRequest<Raw>, response: ServerResponse): boolean | Promise<boolean> {
    const verdict = this.judge(request)
    if (verdict instanceof Promise) return verdict.then((made) => apply(made, request, response))
    return apply(verdict, request, response)
  }

  async close(): Promise<void> {
    await this.#options.own?.close()
  }

  // No address begins with these, so that nobody passes for another by what he writes into a header.
  #keyOf({ raw, headers }: LimitedRequest<Raw>, address: string): string {
    const { header, key } = this.#options
    const named = header === undefined ? key?.(raw) : headers[header]?.toString()
    if (named === undefined || named === '') return addressKey(address)
    return header === undefined ? `key ${named}` : `header ${named}`
  }

  #verdict(
    decision: Decision,
    limiter: RequestLimiter,
    key: string,
    { raw, url }: LimitedRequest<Raw>,
  ): LimitVerdict {
    const { isShadow, answer } = this.#options
    const { isAllowed, policy } = decision
    if (verdicts.hasSubscribers) verdicts.publish({ url, key, policy, isAllowed, isShadow })
    if (isShadow) return untouched
    const head = this.#headers.of(decision, limiter.policies)
    if (isAllowed) return { refusal: undefined, head }
    return { refusal: refusedAnswer(decision, head, answer?.(decision, raw)) }
  }
}

function apply(
  verdict: LimitVerdict,
  { method }: { readonly method: string },
  response: ServerResponse,
): boolean {
  if (verdict.refusal === undefined) {
    const { head } = verdict
    for (let at = 0; at < head.length; at += 2)
      response.setHeader(head[at] ?? '', head[at + 1] ?? '')
    return true
  }
  // The client may have gone while the limiter asked.
  if (!response.headersSent) writeAnswer(response, method, verdict.refusal)
  return false
}
