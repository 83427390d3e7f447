import { judgeLatencies, type BudgetState, type LatencyReport } from './budget-verdict.ts'
import { SlidingLatencies } from './sliding-latencies.ts'
import type { SlidingWindow } from './sliding-slices.ts'

/** One budget of latency, with what has been measured against it. */
export class LatencyBudget {
  readonly subject: string
  readonly kind: LatencyReport['kind']
  readonly budgetMs: number
  /** What was last said of it. */
  announced: BudgetState = 'not enough data'
  readonly #latencies: SlidingLatencies

  constructor(
    subject: string,
    kind: LatencyReport['kind'],
    budgetMs: number,
    window: SlidingWindow,
  ) {
    this.subject = subject
    this.kind = kind
    this.budgetMs = budgetMs
    this.#latencies = new SlidingLatencies(budgetMs, window)
  }

  add(durationMs: number, nowMs: number): void {
    this.#latencies.add(durationMs, nowMs)
  }

  /**
   * What was broken off, or failed, might have taken any time from here on. It says something about
   * the budget only when that was spent already: then it was missed, whatever would have come.
   */
  addBroken(durationMs: number, nowMs: number): void {
    if (durationMs > this.budgetMs) this.add(durationMs, nowMs)
  }

  report(minSamples: number, nowMs: number): LatencyReport {
    const { subject, kind, budgetMs } = this
    const judged = judgeLatencies(this.#latencies, budgetMs, minSamples, nowMs)
    return { subject, kind, ...judged, budgetMs }
  }
}
