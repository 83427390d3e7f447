/** Durations counted in buckets, as exporters take them. */
export interface DurationBuckets {
  readonly count: number
  readonly sumMs: number
  readonly buckets: readonly {
    /** Durations of at most so many milliseconds, and of more than the bucket before; the last is `Infinity`. */
    readonly atMostMs: number
    readonly count: number
  }[]
}

/** Counts durations in fixed buckets: as much memory for ten as for ten million. */
export class DurationCounts {
  readonly #boundsMs: readonly number[]
  readonly #counts: Float64Array
  #sumMs = 0

  /** @param boundsMs ascending; the last is `Infinity` */
  constructor(boundsMs: readonly number[]) {
    this.#boundsMs = boundsMs
    this.#counts = new Float64Array(boundsMs.length)
  }

  add(durationMs: number): void {
    let bucket = 0
    while (durationMs > (this.#boundsMs[bucket] as number)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sumMs += durationMs
  }

  snapshot(): DurationBuckets {
    const counts = [...this.#counts]
    return {
      count: counts.reduce((sum, count) => sum + count, 0),
      sumMs: this.#sumMs,
      buckets: this.#boundsMs.map((atMostMs, at) => ({ atMostMs, count: counts[at] ?? 0 })),
    }
  }
}
