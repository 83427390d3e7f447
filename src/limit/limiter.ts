import { register } from '../core/index.ts'
import type { Decision } from './decision.ts'
import { MemoryStore } from './memory-store.ts'
import {
  resolveLimiterOptions,
  type LimiterOptions,
  type RedisLimiterOptions,
  type ResolvedLimiterOptions,
} from './options.ts'
import { resolvePolicies, type PolicyInput, type ResolvedPolicy } from './policy.ts'
import { RedisLimiter, type SharedLimiter } from './redis-limiter.ts'
import { checkUse, UseCounts } from './use.ts'

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
 * Makes a rate limiter, by the generic cell rate algorithm: a key that has rested may be used `burst`
 * times at once, and from then on at the rate of the policy. In any time T at most `burst` + rate × T
 * uses are let through; there is no window at whose edge twice as many are.
 *
 * Without Redis it counts in this process, and decides at once. With Redis all processes share one
 * count, and a decision may be a promise: `await limiter.take(key)`.
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
export function createLimiter(policies: PolicyInput, options?: LimiterOptions): Limiter
export function createLimiter(policies: PolicyInput, options: RedisLimiterOptions): SharedLimiter
export function createLimiter(
  input: PolicyInput,
  options: LimiterOptions | RedisLimiterOptions = {},
): Limiter | SharedLimiter {
  const policies = resolvePolicies(input)
  const resolved = resolveLimiterOptions(options)
  const { redis } = resolved
  return redis === undefined
    ? new MemoryLimiter(policies, resolved)
    : new RedisLimiter(policies, { ...resolved, redis })
}

class MemoryLimiter implements Limiter {
  readonly name: string
  readonly policies: readonly ResolvedPolicy[]
  readonly #store: MemoryStore
  readonly #counts: UseCounts
  readonly #unregister: () => void

  constructor(
    policies: readonly ResolvedPolicy[],
    { name, maxKeys, clock }: ResolvedLimiterOptions,
  ) {
    this.name = name
    this.policies = policies
    this.#store = new MemoryStore(policies, { maxKeys, clock })
    this.#counts = new UseCounts(name)
    this.#unregister = register('limiter', name, () => this.stats())
  }

  take(key: string, cost = 1): Decision {
    checkUse(key, cost)
    return this.#counts.count(key, cost, this.#store.take(key, cost))
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
    const { allowed, denied } = this.#counts
    const { byteLength: bytes, evictions } = this.#store
    return { allowed, denied, bytes, evictions }
  }

  async close(): Promise<void> {
    this.#unregister()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
