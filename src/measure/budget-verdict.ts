import type { SlidingHits } from './sliding-hits.ts'
import type { SlidingLatencies } from './sliding-latencies.ts'

/** Whether a budget is kept. */
export type BudgetState = 'met' | 'missed' | 'not enough data'

/** A latency and its budget, over the last window. */
export interface LatencyReport {
  /** A route, `GET /users/:id`, or the name of a component. */
  readonly subject: string
  readonly kind: 'simple' | 'database' | 'cached' | 'component'
  readonly state: BudgetState
  readonly samples: number
  /** Within 3 %; undefined without samples. */
  readonly p95Ms: number | undefined
  readonly budgetMs: number
}

/** A hit ratio and its budget, over the last window. */
export interface HitRatioReport {
  readonly subject: string
  readonly kind: 'hit ratio'
  readonly state: BudgetState
  readonly samples: number
  /** Undefined without samples. */
  readonly hitRatio: number | undefined
  readonly budgetRatio: number
}

export type BudgetReport = LatencyReport | HitRatioReport

/** Judges latencies by how many were over the budget, which is exact; the p95 is for people. */
export function judgeLatencies(
  latencies: SlidingLatencies,
  budgetMs: number,
  minSamples: number,
  nowMs: number,
): Pick<LatencyReport, 'state' | 'samples' | 'p95Ms'> {
  const { count: samples, overCount } = latencies.counts(nowMs)
  const p95Ms = latencies.percentileMs(95, nowMs)
  if (p95Ms === undefined) return { state: 'not enough data', samples, p95Ms }
  const isMet = overCount * 20 <= samples
  // The figure must not contradict the verdict where the two are closer than a bucket is wide.
  const shownMs = isMet ? Math.min(p95Ms, budgetMs) : Math.max(p95Ms, budgetMs)
  return { state: stateOf(isMet, samples, minSamples), samples, p95Ms: shownMs }
}

export function judgeHits(
  hits: SlidingHits,
  budgetRatio: number,
  minSamples: number,
  nowMs: number,
): Pick<HitRatioReport, 'state' | 'samples' | 'hitRatio'> {
  const { hits: hitCount, misses } = hits.counts(nowMs)
  const samples = hitCount + misses
  if (samples === 0) return { state: 'not enough data', samples, hitRatio: undefined }
  const hitRatio = hitCount / samples
  return { state: stateOf(hitRatio >= budgetRatio, samples, minSamples), samples, hitRatio }
}

function stateOf(isMet: boolean, samples: number, minSamples: number): BudgetState {
  if (samples < minSamples) return 'not enough data'
  return isMet ? 'met' : 'missed'
}
