/** How long queries and borrowers have waited for a connection; OpenTelemetry's `db.client.connection.wait_time`. */
export interface WaitTimes {
  /** All that got a connection, also those that did not have to wait. */
  readonly count: number
  readonly sumMs: number
  readonly buckets: readonly {
    /** Waits of at most so many milliseconds, and of more than the bucket before; the last is `Infinity`. */
    readonly atMostMs: number
    readonly count: number
  }[]
}

const boundsMs = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, Infinity]

/** Counts waits in fixed buckets: a count for each, whatever comes. */
export class WaitCounts {
  readonly #counts = new Float64Array(boundsMs.length)
  #sumMs = 0

  /** Most never wait. */
  addNone(): void {
    this.#count(0)
  }

  add(waitedMs: number): void {
    this.#count(boundsMs.findIndex((boundMs) => waitedMs <= boundMs))
    this.#sumMs += waitedMs
  }

  snapshot(): WaitTimes {
    const counts = [...this.#counts]
    return {
      count: counts.reduce((sum, count) => sum + count, 0),
      sumMs: this.#sumMs,
      buckets: boundsMs.map((atMostMs, at) => ({ atMostMs, count: counts[at] ?? 0 })),
    }
  }

  #count(bucket: number): void {
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
  }
}
