import { judgeHits, type BudgetState, type HitRatioReport } from './budget-verdict.ts'
import { SlidingHits } from './sliding-hits.ts'
import type { SlidingWindow } from './sliding-slices.ts'

/** What a cache has counted since it was made. */
export interface HitCounts {
  readonly hits: number
  readonly misses: number
}

/** One budget of a hit ratio, with what has been counted against it. */
export class HitRatioBudget {
  readonly subject: string
  /** What was last said of it. */
  announced: BudgetState = 'not enough data'
  readonly #budgetRatio: number
  readonly #hits: SlidingHits
  readonly #read: (() => HitCounts) | undefined
  #seen: HitCounts = { hits: 0, misses: 0 }

  /** @param read - the counts of a cache that does its own; without it they come by `add` */
  constructor(subject: string, budgetRatio: number, window: SlidingWindow, read?: () => HitCounts) {
    this.subject = subject
    this.#budgetRatio = budgetRatio
    this.#hits = new SlidingHits(window)
    this.#read = read
    // What was counted before is no part of any window.
    if (read !== undefined) this.#seen = { ...read() }
  }

  add(hits: number, misses: number, nowMs: number): void {
    this.#hits.add(hits, misses, nowMs)
  }

  report(minSamples: number, nowMs: number): HitRatioReport {
    const { subject } = this
    this.#catchUp(nowMs)
    const judged = judgeHits(this.#hits, this.#budgetRatio, minSamples, nowMs)
    return { subject, kind: 'hit ratio', ...judged, budgetRatio: this.#budgetRatio }
  }

  #catchUp(nowMs: number): void {
    const counts = this.#counts()
    if (counts === undefined) return
    const { hits, misses } = counts
    // Counts that have gone back are those of a cache that has begun anew.
    const newHits = Math.max(0, hits - this.#seen.hits)
    const newMisses = Math.max(0, misses - this.#seen.misses)
    this.add(newHits, newMisses, nowMs)
    this.#seen = { hits, misses }
  }

  // It is asked by a timer, where an error would end the process. A cache that cannot tell has nothing new.
  #counts(): HitCounts | undefined {
    try {
      return this.#read?.()
    } catch {
      return undefined
    }
  }
}
