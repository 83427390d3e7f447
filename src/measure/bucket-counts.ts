import type { DurationBuckets } from './duration-histogram.ts'

// What OpenTelemetry advises for `http.server.request.duration`.
const boundsMs = [
  5,
  10,
  25,
  50,
  75,
  100,
  250,
  500,
  750,
  1_000,
  2_500,
  5_000,
  7_500,
  10_000,
  Infinity,
]

/** How long requests took, in fixed buckets: as much memory for ten as for ten million. */
export class BucketCounts {
  readonly #counts = new Float64Array(boundsMs.length)
  #sumMs = 0

  add(durationMs: number): void {
    let bucket = 0
    while (durationMs > (boundsMs[bucket] as number)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sumMs += durationMs
  }

  snapshot(): DurationBuckets {
    const counts = [...this.#counts]
    return {
      count: counts.reduce((sum, count) => sum + count, 0),
      sumMs: this.#sumMs,
      buckets: boundsMs.map((atMostMs, at) => ({ atMostMs, count: counts[at] ?? 0 })),
    }
  }
}
