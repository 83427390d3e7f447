import type { RedisLike } from '../core/index.ts'
import { isReply } from './circuit.ts'

/** A write that Redis must take before this process may trust what it reads there. */
export interface RedisDebt {
  readonly key: string
  readonly value: string | Buffer
  readonly ttlMs: number
}

/** Beyond this many, single debts are forgotten and everything in Redis is distrusted instead. */
const maxDebts = 10_000
const debtsAtOnce = 200
/** What the clocks of two machines may differ by. */
const clockSkewMs = 5_000

/**
 * The deletions and invalidations that Redis has not confirmed. Where Redis is away when something
 * is invalidated, what it still holds is wrong when it comes back: so this process does not read
 * the keys and tags concerned, and writes first of all what it owes.
 */
export class RedisDebts {
  /** Values loaded before this time are not to be trusted. */
  distrustBeforeEpochMs: number = -Infinity
  readonly #redis: RedisLike
  readonly #debts = new Map<string, RedisDebt>()

  constructor(redis: RedisLike) {
    this.#redis = redis
  }

  get size(): number {
    return this.#debts.size
  }

  has(key: string): boolean {
    return this.#debts.has(key)
  }

  add(debts: readonly RedisDebt[], nowEpochMs: number): void {
    for (const debt of debts) this.#debts.set(debt.key, debt)
    if (this.#debts.size <= maxDebts) return
    this.#debts.clear()
    this.distrustBeforeEpochMs = nowEpochMs + clockSkewMs
  }

  /** Writes them, or those of them that are still owed. */
  async pay(debts: readonly RedisDebt[]): Promise<void> {
    await Promise.all(debts.map((debt) => this.#payOne(debt)))
  }

  async payAll(): Promise<void> {
    while (this.#debts.size > 0) {
      const some = [...this.#debts.values()].slice(0, debtsAtOnce)
      await this.pay(some)
    }
  }

  settle(debt: RedisDebt): void {
    // A later debt for the same key stands.
    if (this.#debts.get(debt.key) === debt) this.#debts.delete(debt.key)
  }

  async #payOne(debt: RedisDebt): Promise<void> {
    try {
      await this.#redis.set(debt.key, debt.value, { ttlMs: debt.ttlMs })
    } catch (error) {
      if (!isReply(error)) throw error
      // A full Redis takes no writes, but it still deletes: a tag or value that is not there is
      // not believed either.
      await this.#redis.delete([debt.key])
    }
    this.settle(debt)
  }
}
