import type { Decision, ResolvedPolicy } from '../limit/index.ts'
import type { ReadyAnswer } from './answer.ts'
import type { LimitAnswer } from './limit-options.ts'

const policyTexts = new WeakMap<readonly ResolvedPolicy[], string>()

/**
 * `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10, 3): the same for all requests, so it
 * is made once. Its windows are whole seconds; a shorter one is told as one second.
 */
function policyHeader(policies: readonly ResolvedPolicy[]): string {
  const known = policyTexts.get(policies)
  if (known !== undefined) return known
  const text = policies
    .map(({ name, limit, windowMs }) => `"${name}";q=${limit};w=${Math.ceil(windowMs / 1_000)}`)
    .join(', ')
  policyTexts.set(policies, text)
  return text
}

/** Seconds that are never too few. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1_000)
}

/**
 * What clients are told of their limits. Most requests are let through and told little that was not told
 * before, so what it took to say that is kept.
 */
export class LimitHeaders {
  readonly #isStandard: boolean
  readonly #isLegacy: boolean
  // Of those that were told of last: nearly always there are no others.
  #policies: readonly ResolvedPolicy[] = []
  #policyText = ''
  readonly #item = new LimitItem()

  constructor({
    isStandard,
    isLegacy,
  }: {
    readonly isStandard: boolean
    readonly isLegacy: boolean
  }) {
    this.#isStandard = isStandard
    this.#isLegacy = isLegacy
  }

  /**
   * Names and values by turns. `t` is when there is more than `r`: after a refusal, when the same
   * request would be let through; else, when all is back.
   */
  of(decision: Decision, policies: readonly ResolvedPolicy[]): string[] {
    const { isAllowed, policy, limit, remaining, retryAfterMs, resetMs } = decision
    const more = seconds(isAllowed || retryAfterMs === Infinity ? resetMs : retryAfterMs)
    const head = this.#isStandard
      ? [
          'ratelimit-policy',
          this.#policyTextOf(policies),
          'ratelimit',
          this.#item.text(policy, remaining, more),
        ]
      : []
    if (this.#isLegacy) {
      head.push('x-ratelimit-limit', String(limit), 'x-ratelimit-remaining', String(remaining))
      head.push('x-ratelimit-reset', String(more))
    }
    // One that would never be let through is not asked to come again.
    if (!isAllowed && retryAfterMs !== Infinity)
      head.push('retry-after', String(seconds(retryAfterMs)))
    return head
  }

  #policyTextOf(policies: readonly ResolvedPolicy[]): string {
    if (policies !== this.#policies) {
      this.#policies = policies
      this.#policyText = policyHeader(policies)
    }
    return this.#policyText
  }
}

/** The one item of `RateLimit`, which keeps of its last text what may be the same in the next. */
class LimitItem {
  #policy = ''
  #remaining = -1
  #seconds = -1
  #begin = ''
  #end = ''
  #text = ''

  text(policy: string, remaining: number, more: number): string {
    if (policy === this.#policy && remaining === this.#remaining && more === this.#seconds) {
      return this.#text
    }
    if (policy !== this.#policy) this.#begin = `"${policy}";r=`
    if (more !== this.#seconds) this.#end = `;t=${more}`
    this.#policy = policy
    this.#remaining = remaining
    this.#seconds = more
    this.#text = this.#begin + remaining + this.#end
    return this.#text
  }
}

/** The answer to a refused request: the app's own, or problem details. */
export function refusedAnswer(
  decision: Decision,
  head: readonly string[],
  own: LimitAnswer | undefined,
): ReadyAnswer {
  if (own === undefined) return problem(decision, head)
  const { status = 429, body, contentType } = own
  const isText = typeof body === 'string'
  const text = isText ? body : (JSON.stringify(body) ?? '')
  const type =
    contentType ?? (isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8')
  return ready(status, head, type, text)
}

// The type is of section 5.1 of the draft, the form that of RFC 9457.
function problem({ policy }: Decision, head: readonly string[]): ReadyAnswer {
  const body = JSON.stringify({
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Request cannot be satisfied as assigned quota has been exceeded',
    status: 429,
    'violated-policies': [policy],
  })
  return ready(429, head, 'application/problem+json', body)
}

function ready(status: number, head: readonly string[], type: string, body: string): ReadyAnswer {
  const length = String(Buffer.byteLength(body))
  return { status, head: [...head, 'content-type', type, 'content-length', length], body }
}
