import type { Clock } from '../core/index.ts'
import { DebtTable } from './debt-table.ts'
import type { Decision } from './decision.ts'
import { admits, allowed, debtAfter, microsOf, readingAt, refused } from './gcra.ts'
import type { ResolvedPolicy } from './policy.ts'

const maxHotKeys = 16_384
const maxHotKeyLength = 64
/** Where all places are taken, one in so many keys that come again may ask for one. */
const oneIn = 256
const none = -1

/**
 * What keys owe by one policy. The table has room for all of them; the few thousand that come again
 * and again are kept beside it under their names, because V8 remembers the hash of a text and the
 * table would have to compute its own each time. A key is in one of the two places, never in both.
 */
export class KeyDebts {
  readonly #policy: ResolvedPolicy
  readonly #clock: Clock
  /** A reading of the policy's clock is a microsecond. */
  readonly #isExact: boolean
  readonly #table: DebtTable
  readonly #hot = new Map<string, number>()
  readonly #hotKeys: string[] = []
  // By turns what a hot key owes, and the reading at which it did.
  readonly #debts = new Float64Array(2 * maxHotKeys)
  // The second chance of a key that was used since the hand last came by (Corbató's CLOCK).
  readonly #isUsed = new Uint8Array(maxHotKeys)
  #hand = 0
  #refused = 0
  /** Of the key that was asked about last; `none` where the table has it. */
  #at = none

  constructor(policy: ResolvedPolicy, maxKeys: number, clock: Clock) {
    this.#policy = policy
    this.#clock = clock
    this.#isExact = policy.readingsPerMicro === 1
    this.#table = new DebtTable(policy, maxKeys)
  }

  get byteLength(): number {
    return this.#table.byteLength + this.#debts.byteLength + this.#isUsed.byteLength
  }

  /** Keys that were forgotten with debts, because others owed more. */
  get evictions(): number {
    return this.#table.evictions
  }

  /**
   * Charges a use to a key now, if the policy allows it: `debtOf` and `owe` in one step. Nearly all
   * decisions let a hot key through, and for those the arithmetic of gcra.ts is written out: calls cost
   * more than it does, and V8 inlines what is called by how often it saw it in the first moments.
   */
  take(key: string, cost: number): Decision {
    const at = this.#hot.get(key)
    const nowMicros = microsOf(this.#clock)
    if (at === undefined || !this.#isExact) return this.#decide(key, cost, nowMicros)
    this.#isUsed[at] = 1
    const policy = this.#policy
    const debts = this.#debts
    const { useTicks, capacityTicks, ticksPerReading } = policy
    const left =
      (debts[2 * at] as number) - (nowMicros - (debts[2 * at + 1] as number)) * ticksPerReading
    const debtTicks = left > 0 ? left : 0
    const owedTicks = debtTicks + cost * useTicks
    if (owedTicks > capacityTicks) return refused(policy, debtTicks, cost, nowMicros)
    debts[2 * at] = owedTicks
    debts[2 * at + 1] = nowMicros
    return {
      isAllowed: true,
      policy: policy.name,
      limit: policy.burst,
      remaining: Math.floor((capacityTicks - owedTicks) / useTicks),
      retryAfterMs: 0,
      resetMs: Math.ceil(owedTicks / (ticksPerReading * 1_000)),
    }
  }

  /** What a key owes at a reading. Remembers the place, for `owe`. */
  debtOf(key: string, reading: number): number {
    const at = this.#hot.get(key)
    if (at === undefined) return this.#debtInTable(key, reading)
    this.#at = at
    this.#isUsed[at] = 1
    return this.#hotDebt(at, reading)
  }

  /** Sets the debt of the key that `debtOf` was asked about last, at the same reading. */
  owe(reading: number, debtTicks: number): void {
    const at = this.#at
    if (at === none) {
      this.#table.owe(reading, debtTicks)
      return
    }
    this.#debts[2 * at] = debtTicks
    this.#debts[2 * at + 1] = reading
  }

  #decide(key: string, cost: number, nowMicros: number): Decision {
    const policy = this.#policy
    const reading = readingAt(policy, nowMicros)
    const debtTicks = this.debtOf(key, reading)
    if (!admits(policy, debtTicks, cost)) return refused(policy, debtTicks, cost, nowMicros)
    const owedTicks = debtTicks + cost * policy.useTicks
    this.owe(reading, owedTicks)
    return allowed(policy, owedTicks, nowMicros)
  }

  #hotDebt(at: number, reading: number): number {
    const debts = this.#debts
    const sinceReading = reading - (debts[2 * at + 1] as number)
    return debtAfter(this.#policy, debts[2 * at] as number, sinceReading)
  }

  #debtInTable(key: string, reading: number): number {
    this.#at = none
    const debtTicks = this.#table.debtOf(key, reading)
    // A key that owes was here before.
    if (debtTicks > 0 && key.length <= maxHotKeyLength) this.#heat(key, reading, debtTicks)
    return debtTicks
  }

  #heat(key: string, reading: number, debtTicks: number): void {
    const at = this.#freePlace()
    if (at === none) return
    this.#table.owe(reading, 0)
    const cooled = this.#hotKeys[at]
    if (cooled !== undefined) this.#cool(cooled, at, reading)
    this.#hot.set(key, at)
    this.#hotKeys[at] = key
    this.#at = at
    this.owe(reading, debtTicks)
  }

  /** A place that is free, or whose key may leave it. */
  #freePlace(): number {
    if (this.#hotKeys.length < maxHotKeys) return this.#hotKeys.length
    // Keys that come again only once in a long while would drive each other out all the time.
    if (++this.#refused % oneIn !== 0) return none
    const at = this.#hand
    this.#hand = (at + 1) % maxHotKeys
    if (this.#isUsed[at] === 0) return at
    this.#isUsed[at] = 0
    return none
  }

  #cool(key: string, at: number, reading: number): void {
    this.#hot.delete(key)
    const debtTicks = this.#hotDebt(at, reading)
    if (debtTicks === 0) return
    this.#table.debtOf(key, reading)
    this.#table.owe(reading, debtTicks)
  }
}
