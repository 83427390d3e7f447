/**
 * How many requests a server gets at a time, found out by trying: one more for each round of answers
 * while the limit is in use, and three tenths fewer when it is overloaded (additive increase,
 * multiplicative decrease, as in TCP: RFC 5681).
 */
export class AdaptiveLimit {
  readonly #max: number
  #limit: number
  #cutAtMs = -Infinity

  constructor(max: number) {
    this.#max = max
    this.#limit = Math.min(max, firstLimit)
  }

  get current(): number {
    return Math.floor(this.#limit)
  }

  /** @param runningCount how many were under way, this one among them */
  succeeded(runningCount: number): void {
    if (runningCount < this.current) return
    this.#limit = Math.min(this.#max, this.#limit + 1 / this.#limit)
  }

  /** Requests that were sent before the last cut say nothing about the limit that it made. */
  overloaded(startedMs: number, nowMs: number): void {
    if (startedMs < this.#cutAtMs) return
    this.#cutAtMs = nowMs
    this.#limit = Math.max(1, this.#limit * 0.7)
  }
}

const firstLimit = 10
