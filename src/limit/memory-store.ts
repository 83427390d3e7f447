import type { Clock } from '../core/index.ts'
import type { Decision } from './decision.ts'
import { admits, allowed, microsOf, readingAt, refused } from './gcra.ts'
import { KeyDebts } from './key-debts.ts'
import type { ResolvedPolicy } from './policy.ts'

/** What a {@link MemoryStore} is made with. */
export interface MemoryStoreOptions {
  /** For how many keys with debts there is to be room. */
  readonly maxKeys: number
  readonly clock: Clock
}

/** A policy, and what the keys owe by it. */
interface Ledger {
  readonly policy: ResolvedPolicy
  readonly debts: KeyDebts
  // Of the key that is being decided about.
  reading: number
  debtTicks: number
}

/** Decides in this process, by what it has decided before. */
export class MemoryStore {
  readonly #clock: Clock
  readonly #ledgers: readonly Ledger[]
  /** Where there is but one policy. */
  readonly #only: KeyDebts | undefined

  /** @param policies at least one */
  constructor(policies: readonly ResolvedPolicy[], { maxKeys, clock }: MemoryStoreOptions) {
    this.#clock = clock
    this.#ledgers = policies.map((policy) => ({
      policy,
      debts: new KeyDebts(policy, maxKeys, clock),
      reading: 0,
      debtTicks: 0,
    }))
    this.#only = policies.length === 1 ? this.#ledgers[0]?.debts : undefined
  }

  /** Taken once, whatever keys come. */
  get byteLength(): number {
    return this.#ledgers.reduce((sum, { debts }) => sum + debts.byteLength, 0)
  }

  /** Keys that were forgotten with debts, because others owed more. */
  get evictions(): number {
    return this.#ledgers.reduce((sum, { debts }) => sum + debts.evictions, 0)
  }

  /** Charges a use to a key by all policies, or by none. */
  take(key: string, cost: number): Decision {
    return this.#only === undefined ? this.#takeByAll(key, cost) : this.#only.take(key, cost)
  }

  /** What `take` would say, without the charge. */
  peek(key: string, cost: number): Decision {
    const nowMicros = microsOf(this.#clock)
    this.#look(key, nowMicros)
    return this.#refusal(cost, nowMicros) ?? this.#tightest(nowMicros)
  }

  /** Forgives a key what it owes. */
  reset(key: string): void {
    this.#look(key, microsOf(this.#clock))
    for (const { debts, reading } of this.#ledgers) debts.owe(reading, 0)
  }

  #takeByAll(key: string, cost: number): Decision {
    const nowMicros = microsOf(this.#clock)
    this.#look(key, nowMicros)
    const refusal = this.#refusal(cost, nowMicros)
    if (refusal !== undefined) return refusal
    for (const ledger of this.#ledgers) {
      ledger.debtTicks += cost * ledger.policy.useTicks
      ledger.debts.owe(ledger.reading, ledger.debtTicks)
    }
    return this.#tightest(nowMicros)
  }

  #look(key: string, nowMicros: number): void {
    for (const ledger of this.#ledgers) {
      ledger.reading = readingAt(ledger.policy, nowMicros)
      ledger.debtTicks = ledger.debts.debtOf(key, ledger.reading)
    }
  }

  /** The refusal that lasts longest, if there is any. */
  #refusal(cost: number, nowMicros: number): Decision | undefined {
    let longest: Decision | undefined
    for (const { policy, debtTicks } of this.#ledgers) {
      if (admits(policy, debtTicks, cost)) continue
      const refusal = refused(policy, debtTicks, cost, nowMicros)
      if (longest === undefined || refusal.retryAfterMs > longest.retryAfterMs) longest = refusal
    }
    return longest
  }

  /** What the policy says that lets fewest uses through from now on. */
  #tightest(nowMicros: number): Decision {
    let tightest: Decision | undefined
    for (const { policy, debtTicks } of this.#ledgers) {
      const decision = allowed(policy, debtTicks, nowMicros)
      if (tightest === undefined || decision.remaining < tightest.remaining) tightest = decision
    }
    return tightest as Decision
  }
}
