import type { DurationBuckets } from '../core/index.ts'

// Nanoseconds below 128 have a slot each; above, every power of two is cut into 64 slots. A value in
// the middle of its slot is at most 1/128 of itself away from the slot's ends.
const slotBits = 6
const slotsPerOctave = 2 ** slotBits
const maxOctave = 52
const maxNs = 2 ** maxOctave - 1
const slots = (maxOctave - slotBits + 2) * slotsPerOctave

/** By how much a quantile may be off, of itself: what is told is the middle of a slot. */
export const relativeError: number = 1 / (2 * slotsPerOctave)

// The borders are OpenTelemetry's for HTTP, and some below them for functions that take microseconds.
const functionBoundsMs = [
  0.001,
  0.01,
  0.1,
  1,
  2.5,
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

/** How long calls took. All are 0 before the first has ended. */
export interface DurationStats extends DurationBuckets {
  readonly meanMs: number
  readonly maxMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  /** By how much the quantiles may be off, of themselves: 1/128. Count, sum, mean and maximum are exact. */
  readonly relativeError: number
}

/**
 * A log-linear histogram of durations, as HdrHistogram's: quantiles with a known relative error from
 * a nanosecond to 52 days, in 24 kB whatever comes.
 */
export class DurationHistogram {
  // Not `createHistogram` of node:perf_hooks, whose `record` takes eight times as long.
  readonly #counts = new Float64Array(slots)
  #count = 0
  #sumMs = 0
  #maxMs = 0

  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count
  }

  add(durationMs: number): void {
    const slot = slotOf(durationMs * 1e6)
    this.#counts[slot] = (this.#counts[slot] as number) + 1
    this.#count++
    this.#sumMs += durationMs
    if (durationMs > this.#maxMs) this.#maxMs = durationMs
  }

  /** The duration that a share `ratio` of all did not exceed. */
  quantileMs(ratio: number): number {
    const rank = Math.max(1, Math.ceil(ratio * this.#count))
    let seen = 0
    for (let slot = 0; slot < slots; slot++) {
      seen += this.#counts[slot] as number
      if (seen >= rank) return Math.min(middleMs(slot), this.#maxMs)
    }
    return 0
  }

  /** @param boundsMs of the buckets; the last is `Infinity` */
  stats(boundsMs: readonly number[] = functionBoundsMs): DurationStats {
    return {
      count: this.#count,
      sumMs: this.#sumMs,
      meanMs: this.meanMs,
      maxMs: this.#maxMs,
      p50Ms: this.quantileMs(0.5),
      p90Ms: this.quantileMs(0.9),
      p95Ms: this.quantileMs(0.95),
      p99Ms: this.quantileMs(0.99),
      p999Ms: this.quantileMs(0.999),
      relativeError,
      buckets: this.#buckets(boundsMs),
    }
  }

  reset(): void {
    this.#counts.fill(0)
    this.#count = 0
    this.#sumMs = 0
    this.#maxMs = 0
  }

  #buckets(boundsMs: readonly number[]): DurationBuckets['buckets'] {
    const buckets = boundsMs.map((atMostMs) => ({ atMostMs, count: 0 }))
    let at = 0
    for (let slot = 0; slot < slots; slot++) {
      const count = this.#counts[slot] as number
      if (count === 0) continue
      while (middleMs(slot) > (boundsMs[at] as number)) at++
      const bucket = buckets[at]
      if (bucket !== undefined) bucket.count += count
    }
    return buckets
  }
}

function slotOf(ns: number): number {
  if (ns < 2 ** 31) return slotOfInteger(ns > 0 ? ns | 0 : 0)
  // 32-bit arithmetic reaches no further: a long duration finds its slot 22 octaves below.
  return slotOfInteger((Math.min(ns, maxNs) / 2 ** 22) | 0) + 22 * slotsPerOctave
}

function slotOfInteger(ns: number): number {
  const shift = 31 - slotBits - Math.clz32(ns | slotsPerOctave)
  return (shift << slotBits) + (ns >> shift)
}

function middleMs(slot: number): number {
  const shift = Math.max((slot >> slotBits) - 1, 0)
  const first = slot - shift * slotsPerOctave
  return shift === 0 ? first / 1e6 : ((first + 0.5) * 2 ** shift) / 1e6
}
