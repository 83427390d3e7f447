import type { Decision } from './decision.ts'

/** A use that waits for what Redis says. */
export interface WaitingUse {
  readonly cost: number
  readonly resolve: (decision: Decision) => void
}

/** Denser than this, a key is hot: it takes uses in advance. */
const hotMs = 100
const firstLease = 4
const maxLease = 1_024

/** What a process knows of one key: what it may spend by itself, and until when it may not ask. */
export class RedisKey {
  readonly key: string
  /** Uses taken in advance that are left. */
  left = 0
  /** Of those that were taken in advance, since Redis was told. */
  spent = 0
  leaseUntilMs = 0
  lastSpentMs = 0
  /** What the last answer said, for decisions that are made from it. */
  last: Decision | undefined = undefined
  /** Uses of at least this cost are refused until then, without a question. */
  deniedCost: number = Infinity
  deniedUntilMs = 0
  /** What a refused client is told: later, because others may be about to give back. */
  retryAtMs = 0
  waiting: WaitingUse[] = []
  isAsking = false
  #more = 0
  #askedMs = -Infinity

  constructor(key: string) {
    this.key = key
  }

  /** Nothing would be lost if it were forgotten. */
  get isIdle(): boolean {
    return !this.isAsking && this.left === 0 && this.spent === 0
  }

  /** How many uses to take in advance: more each time that the last ones were gone soon. */
  more(nowMs: number): number {
    const isHot = nowMs - this.#askedMs < hotMs
    this.#askedMs = nowMs
    if (!isHot) this.#more = 0
    else if (this.left === 0) this.#more = Math.min(maxLease, Math.max(firstLease, this.#more * 2))
    else this.#more = Math.floor(this.#more / 2)
    return this.#more
  }

  /** Spends from what was taken in advance. */
  spend(cost: number, nowMs: number): Decision | undefined {
    const { last } = this
    if (this.left < cost || nowMs >= this.leaseUntilMs || last === undefined) return undefined
    this.left -= cost
    this.spent += cost
    this.lastSpentMs = nowMs
    return { ...last, remaining: Math.max(0, last.remaining - this.spent) }
  }

  /** The refusal that still holds. */
  refusal(cost: number, nowMs: number): Decision | undefined {
    const { last } = this
    if (cost < this.deniedCost || nowMs >= this.deniedUntilMs || last === undefined)
      return undefined
    return { ...last, retryAfterMs: Math.max(1, Math.ceil(this.retryAtMs - nowMs)) }
  }

  /** What was taken in advance is told or given up: how many of it were spent. */
  takeSpent(): number {
    const { spent } = this
    this.spent = 0
    this.left = 0
    return spent
  }

  /**
   * Redis may not have heard how many were spent. It has to hear it with the next question, or it
   * would take the lease for one that comes back whole.
   */
  untold(spent: number): void {
    this.spent += spent
  }
}
