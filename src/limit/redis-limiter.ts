import { eventChannel, register, type RedisLike } from '../core/index.ts'
import type { Decision } from './decision.ts'
import type { ResolvedLimiterOptions } from './options.ts'
import type { ResolvedPolicy } from './policy.ts'
import { RedisStore, type RedisStoreStats } from './redis-store.ts'
import { checkUse, UseCounts } from './use.ts'

const trouble = eventChannel('hotpath:limit:trouble')

/** What {@link SharedLimiter.stats} tells. */
export interface SharedLimiterStats extends RedisStoreStats {
  readonly allowed: number
  readonly denied: number
}

/** A limiter whose count all processes share. Made by `createLimiter` with `redis`. */
export interface SharedLimiter {
  readonly name: string
  /** What holds, as it was understood. */
  readonly policies: readonly ResolvedPolicy[]
  /**
   * Charges a use to a key, if all policies allow it; otherwise nothing. A promise where Redis has to
   * be asked; it is never rejected, and never waits longer than `redisTimeoutMs`.
   *
   * @throws HotpathError HOTPATH_LIMIT_USE_INVALID
   */
  take(key: string, cost?: number): Decision | Promise<Decision>
  /** What `take` would decide, without charging. */
  peek(key: string, cost?: number): Promise<Decision>
  /**
   * Forgives a key all that it has used. Uses that other processes have taken in advance, they may
   * still spend.
   */
  reset(key: string): Promise<void>
  stats(): SharedLimiterStats
  /** Gives back what was taken in advance. From then on decisions are made without Redis. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export class RedisLimiter implements SharedLimiter {
  readonly name: string
  readonly policies: readonly ResolvedPolicy[]
  readonly #store: RedisStore
  readonly #counts: UseCounts
  readonly #unregister: () => void

  constructor(
    policies: readonly ResolvedPolicy[],
    options: ResolvedLimiterOptions & { readonly redis: RedisLike },
  ) {
    const { name } = options
    this.name = name
    this.policies = policies
    this.#store = new RedisStore({
      ...options,
      policies,
      onTrouble: (operation, error) => {
        if (trouble.hasSubscribers) trouble.publish({ limiter: name, operation, error })
      },
    })
    this.#counts = new UseCounts(name)
    this.#unregister = register('limiter', name, () => this.stats())
  }

  take(key: string, cost = 1): Decision | Promise<Decision> {
    checkUse(key, cost)
    const decision = this.#store.take(key, cost)
    return decision instanceof Promise
      ? decision.then((made) => this.#counts.count(key, cost, made))
      : this.#counts.count(key, cost, decision)
  }

  async peek(key: string, cost = 1): Promise<Decision> {
    checkUse(key, cost)
    return this.#store.peek(key, cost)
  }

  async reset(key: string): Promise<void> {
    checkUse(key, 0)
    await this.#store.reset(key)
  }

  stats(): SharedLimiterStats {
    const { allowed, denied } = this.#counts
    return { allowed, denied, ...this.#store.stats }
  }

  async close(): Promise<void> {
    this.#unregister()
    await this.#store.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
