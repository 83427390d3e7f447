import { isReply, type RedisLike } from '../core/index.ts'
import type { Notice } from './bus-message.ts'
import type { Bus } from './bus.ts'

/** A write that Redis must take before this process may trust what it reads there. */
export interface RedisDebt {
  readonly key: string
  readonly write: () => Promise<unknown>
  /** What the other processes are told with it. */
  readonly notice: Notice | undefined
  /** The write tells them itself. */
  readonly isTold?: boolean
}

/** Beyond this many, single debts are forgotten and everything in Redis is distrusted instead. */
const maxDebts = 10_000
const debtsAtOnce = 200
/** What the clocks of two machines may differ by. */
const clockSkewMs = 5_000

/**
 * The deletions and invalidations that Redis has not confirmed. Where Redis is away when something
 * is invalidated, what it still holds is wrong when it comes back: so this process does not read
 * the keys and tags concerned, and writes first of all what it owes. With the write, whenever it
 * comes about, the other processes are told.
 */
export class RedisDebts {
  /** Values loaded before this time are not to be trusted. */
  distrustBeforeEpochMs: number = -Infinity
  readonly #redis: RedisLike
  readonly #bus: Bus | undefined
  readonly #debts = new Map<string, RedisDebt>()
  #isFlushOwed = false

  constructor(redis: RedisLike, bus: Bus | undefined) {
    this.#redis = redis
    this.#bus = bus
  }

  get size(): number {
    return this.#debts.size + (this.#isFlushOwed ? 1 : 0)
  }

  has(key: string): boolean {
    return this.#debts.has(key)
  }

  add(debts: readonly RedisDebt[], nowEpochMs: number): void {
    for (const debt of debts) {
      // An expiry leaves values to be served stale that are owed to be missing.
      const owed = this.#debts.get(debt.key)
      const isWeaker = debt.notice?.kind === 'expired' && owed?.notice?.kind === 'invalidated'
      if (!isWeaker) this.#debts.set(debt.key, debt)
    }
    if (this.#debts.size <= maxDebts) return
    this.#debts.clear()
    this.#isFlushOwed = true
    this.distrustBeforeEpochMs = nowEpochMs + clockSkewMs
  }

  /** Writes them, or what is owed in their place; told in the same go. */
  async pay(debts: readonly RedisDebt[]): Promise<void> {
    const due = debts.map((debt) => this.#debts.get(debt.key) ?? debt)
    const writes = due.map((debt) => this.#payOne(debt))
    const told = this.#tell(due.filter(({ isTold = false }) => !isTold))
    await Promise.all([...writes, told])
    for (const debt of due) this.settle(debt)
  }

  async payAll(): Promise<void> {
    if (this.#isFlushOwed) {
      await this.#bus?.announceFlush()
      this.#isFlushOwed = false
    }
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
      await debt.write()
    } catch (error) {
      if (!isReply(error)) throw error
      // A full Redis takes no writes, but it still deletes: a tag or value that is not there is
      // not believed either. Who was told before that has read what is wrong.
      await this.#redis.delete([debt.key])
      await this.#tell([debt])
    }
  }

  async #tell(debts: readonly RedisDebt[]): Promise<void> {
    await this.#bus?.announce(debts.flatMap(({ notice }) => (notice === undefined ? [] : [notice])))
  }
}
