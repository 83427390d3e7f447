import { LatencyTarget } from './latency-target.ts'
import type { ResolvedShedderOptions } from './shedder-options.ts'

/** What was seen in one window. */
export interface Seen {
  /** The median lateness of the event loop. */
  readonly delayMs: number
  /** The median latency of what has completed. */
  readonly latencyMs: number | undefined
  /** The most of the limit that was in use, as the class counts it that used most. */
  readonly peakUse: number
  /** Some class had nearly filled its share. */
  readonly wasFull: boolean
}

/** A process that has just started does not know its limit yet. */
const firstLimit = 100
/** How fast the limit grows again after an overload, each window. */
const growthRatio = 0.1
/** However late everything is, the limit is at most halved in one window. */
const leastGradient = 0.5

/**
 * How many requests may be under way. It is multiplied by a gradient, as in Netflix's Gradient2, that
 * follows from how far the delay is over its target, and grows slowly while it is in use and nothing
 * is late. What is measured first of all is the lateness of the event loop, which is the queue of a
 * CPU-bound process itself; latency only where it says something else.
 */
export class AdaptiveLimit {
  current: number
  /** It had to be cut, and has been nearly used in each window since. */
  isTight = false
  readonly #options: ResolvedShedderOptions
  readonly #latencyTarget: LatencyTarget
  /** Until the first overload the limit doubles, as TCP does in its slow start. */
  #isStarting = true

  constructor(options: ResolvedShedderOptions) {
    this.#options = options
    this.#latencyTarget = new LatencyTarget(options.targetLatencyMs)
    this.current = this.#bounded(firstLimit)
  }

  /** Ends a window. */
  adjust({ delayMs, latencyMs, peakUse, wasFull }: Seen): void {
    // Where nobody was let in the limit had no part in what was seen.
    if (peakUse === 0) return
    // The root: the delay is noisy, and a limit that is cut too far leaves the CPU idle.
    const delayGradient = Math.sqrt(this.#options.targetDelayMs / delayMs)
    if (delayGradient < 1) return this.#cut(peakUse, delayGradient)
    if (latencyMs === undefined) return
    const verdict = this.#latencyTarget.judge(latencyMs, Math.min(this.current, peakUse))
    if (verdict.gradient < 1) {
      this.#cut(peakUse, verdict.gradient)
    } else if (verdict.restoredLimit !== undefined) {
      this.current = this.#bounded(Math.max(this.current, verdict.restoredLimit))
    } else if (wasFull) {
      const growth = this.#isStarting ? this.current : Math.max(1, this.current * growthRatio)
      this.current = this.#bounded(this.current + growth)
    } else {
      this.isTight = false
    }
  }

  // A limit that nobody has come near says nothing: what was in use was too much.
  #cut(peakUse: number, gradient: number): void {
    this.#isStarting = false
    this.isTight = true
    this.current = this.#bounded(
      Math.min(this.current, peakUse) * Math.max(leastGradient, gradient),
    )
  }

  #bounded(limit: number): number {
    return Math.min(this.#options.maxInFlight, Math.max(this.#options.minInFlight, limit))
  }
}
