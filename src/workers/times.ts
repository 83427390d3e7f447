/** How long something took, counted in fixed buckets. */
export interface Times {
  readonly count: number
  readonly sumMs: number
  readonly buckets: readonly {
    /** At most so many milliseconds, and more than the bucket before; the last is `Infinity`. */
    readonly atMostMs: number
    readonly count: number
  }[]
}

const boundsMs = [0.1, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, Infinity]

/** Counts durations: as much memory for ten as for ten million. */
export class TimeCounts {
  readonly #counts = new Float64Array(boundsMs.length)
  #sumMs = 0

  add(tookMs: number): void {
    let bucket = 0
    while (tookMs > (boundsMs[bucket] as number)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sumMs += tookMs
  }

  snapshot(): Times {
    const counts = [...this.#counts]
    return {
      count: counts.reduce((sum, count) => sum + count, 0),
      sumMs: this.#sumMs,
      buckets: boundsMs.map((atMostMs, at) => ({ atMostMs, count: counts[at] ?? 0 })),
    }
  }
}
