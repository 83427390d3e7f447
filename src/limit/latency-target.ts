/** What a median latency means for the limit. */
export interface LatencyVerdict {
  /** Below 1: the limit is to be multiplied with it. */
  readonly gradient: number
  /** The limit had been cut for a latency that it does not govern; this is what it was. */
  readonly restoredLimit?: number
}

/** A median that is so many times the usual one is too slow. */
const tolerance = 2
/** Less than a timer's precision is no difference. */
const leastDifferenceMs = 5

/**
 * Which latency is too much: the one that the app names or, without one, twice what is usual.
 *
 * What is usual may change: a report is opened, the database gets slower. A latency that comes from
 * a queue falls when fewer requests are let in. Where the limit was halved and the latency has not
 * followed, it is the new usual one, and the limit is given back.
 */
export class LatencyTarget {
  readonly #fixedMs: number | undefined
  #usualMs: number | undefined = undefined
  #trial: { readonly latencyMs: number; readonly limit: number } | undefined = undefined

  constructor(fixedMs: number | undefined) {
    this.#fixedMs = fixedMs
  }

  /** @param limit - how many requests were let in at that latency */
  judge(latencyMs: number, limit: number): LatencyVerdict {
    if (this.#fixedMs !== undefined) return { gradient: Math.min(1, this.#fixedMs / latencyMs) }
    const usualMs = Math.min(this.#usualMs ?? latencyMs, latencyMs)
    this.#usualMs = usualMs
    const tooSlowMs = Math.max(usualMs * tolerance, usualMs + leastDifferenceMs)
    if (latencyMs <= tooSlowMs) {
      this.#trial = undefined
      return { gradient: 1 }
    }
    this.#trial ??= { latencyMs, limit }
    const { latencyMs: beforeMs, limit: before } = this.#trial
    if (limit > before / 2 || latencyMs < beforeMs * 0.75) {
      return { gradient: tooSlowMs / latencyMs }
    }
    this.#usualMs = latencyMs
    this.#trial = undefined
    return { gradient: 1, restoredLimit: before }
  }
}
