import { eventChannel, HotpathError, register, type RegisteredComponent } from '../core/index.ts'
import type { Decision } from './decision.ts'
import { MemoryStore } from './memory-store.ts'
import { resolveLimiterOptions, type LimiterOptions } from './options.ts'
import { resolvePolicies, type PolicyInput, type ResolvedPolicy } from './policy.ts'

const decisions = eventChannel('hotpath:limit:decision')

/** What {@link Limiter.stats} tells. */
export interface LimiterStats {
  readonly allowed: number
  readonly denied: number
  /** What the table of keys takes, in bytes; it never grows. */
  readonly bytes: number
  /** Keys that were forgotten while they still owed, because others owed more: raise `maxKeys`. */
  readonly evictions: number
}

/** Decides who may do something how often. Made by {@link createLimiter}. */
export interface Limiter {
  readonly name: string
  /** What holds, as it was understood. */
  readonly policies: readonly ResolvedPolicy[]
  /**
   * Charges a use to a key, if all policies allow it; otherwise nothing.
   *
   * @param key who or what is limited: an address, a user, an API key
   * @param cost how many uses this one counts for: a whole number; 0 asks without charging
   * @throws HotpathError HOTPATH_LIMIT_USE_INVALID
   */
  take(key: string, cost?: number): Decision
  /** What `take` would decide, without charging. */
  peek(key: string, cost?: number): Decision
  /** Forgives a key all that it has used. */
  reset(key: string): void
  stats(): LimiterStats
  /** Takes it off the list of components. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a rate limiter for one process, by the generic cell rate algorithm: a key that has rested
 * may be used `burst` times at once, and from then on at the rate of the policy. In any time T at
 * most `burst` + rate × T uses are let through; there is no window at whose edge twice as many are.
 *
 * @throws HotpathError HOTPATH_LIMIT_POLICY_INVALID, HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createLimiter } from 'hotpath/limit'
 *
 * const logins = createLimiter('5/minute and 20/hour')
 * const { isAllowed, retryAfterMs } = logins.take('ada@example.com')
 * if (!isAllowed) console.log(`again in ${retryAfterMs} ms`)
 * ```
 */
export function createLimiter(policies: PolicyInput, options: LimiterOptions = {}): Limiter {
  return new MemoryLimiter(resolvePolicies(policies), options)
}

class MemoryLimiter implements Limiter {
  readonly name: string
  readonly policies: readonly ResolvedPolicy[]
  readonly #store: MemoryStore
  readonly #unregister: () => void
  #allowed = 0
  #denied = 0

  constructor(policies: readonly ResolvedPolicy[], options: LimiterOptions) {
    const { name, maxKeys, clock } = resolveLimiterOptions(options)
    this.name = name
    this.policies = policies
    this.#store = new MemoryStore(policies, { maxKeys, clock })
    const stats: RegisteredComponent['stats'] = () => this.stats()
    this.#unregister = register('limiter', name, stats)
  }

  take(key: string, cost = 1): Decision {
    checkUse(key, cost)
    const decision = this.#store.take(key, cost)
    if (decision.isAllowed) this.#allowed++
    else this.#denied++
    if (decisions.hasSubscribers) {
      const { isAllowed, policy } = decision
      decisions.publish({ limiter: this.name, key, cost, isAllowed, policy })
    }
    return decision
  }

  peek(key: string, cost = 1): Decision {
    checkUse(key, cost)
    return this.#store.peek(key, cost)
  }

  reset(key: string): void {
    checkUse(key, 0)
    this.#store.reset(key)
  }

  stats(): LimiterStats {
    const { byteLength: bytes, evictions } = this.#store
    return { allowed: this.#allowed, denied: this.#denied, bytes, evictions }
  }

  async close(): Promise<void> {
    this.#unregister()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function checkUse(key: string, cost: number): void {
  if (typeof key !== 'string') {
    throw new HotpathError(
      'HOTPATH_LIMIT_USE_INVALID',
      `a limiter's key must be a string, not ${typeof key}: nothing was charged; look at the ` +
        'function that makes the key',
    )
  }
  if (!Number.isSafeInteger(cost) || cost < 0) {
    throw new HotpathError(
      'HOTPATH_LIMIT_USE_INVALID',
      `a use must cost a whole number of at least 0, not ${cost}: nothing was charged`,
    )
  }
}
