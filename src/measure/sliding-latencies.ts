import { SlidingSlices, type SlidingWindow } from './sliding-slices.ts'

// Durations are counted in microseconds: each up to 32 in a bucket of its own, and from there on
// sixteen buckets for each doubling, up to more than two minutes. A bucket is then at most a
// sixteenth as wide as the durations in it are long, and its middle at most 1/32 away from them.
const linearMicros = 32
const bucketsPerDoubling = 16
const maxMicros = 2 ** 27 - 1
const bucketCount = linearMicros + (27 - 5) * bucketsPerDoubling

interface Slice {
  readonly buckets: Uint32Array
  count: number
  overCount: number
}

/** How long what was measured of late has taken, in fixed memory: 9 kB with six slices. */
export class SlidingLatencies {
  readonly #budgetMs: number
  readonly #slices: SlidingSlices<Slice>

  constructor(budgetMs: number, window: SlidingWindow) {
    this.#budgetMs = budgetMs
    this.#slices = new SlidingSlices<Slice>(window, emptySlice, clear)
  }

  add(durationMs: number, nowMs: number): void {
    const slice = this.#slices.at(nowMs)
    const bucket = bucketOf(durationMs)
    slice.buckets[bucket] = (slice.buckets[bucket] ?? 0) + 1
    slice.count++
    // Counted apart, so that a verdict does not depend on how wide a bucket is.
    if (durationMs > this.#budgetMs) slice.overCount++
  }

  /** How many, and how many of them were over the budget. */
  counts(nowMs: number): { readonly count: number; readonly overCount: number } {
    let count = 0
    let overCount = 0
    for (const slice of this.#slices.all(nowMs)) {
      count += slice.count
      overCount += slice.overCount
    }
    return { count, overCount }
  }

  /**
   * The duration that so many percent of them did not exceed (nearest rank), within 1/32 of it;
   * undefined when there are none.
   */
  percentileMs(percent: number, nowMs: number): number | undefined {
    const slices = this.#slices.all(nowMs)
    const count = slices.reduce((sum, slice) => sum + slice.count, 0)
    if (count === 0) return undefined
    let left = Math.ceil((percent * count) / 100)
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      for (const { buckets } of slices) left -= buckets[bucket] ?? 0
      if (left <= 0) return middleMs(bucket)
    }
    return middleMs(bucketCount - 1)
  }
}

function emptySlice(): Slice {
  return { buckets: new Uint32Array(bucketCount), count: 0, overCount: 0 }
}

function clear(slice: Slice): void {
  slice.buckets.fill(0)
  slice.count = 0
  slice.overCount = 0
}

function bucketOf(durationMs: number): number {
  const micros = Math.min(Math.trunc(durationMs * 1_000), maxMicros)
  // What is no duration counts as none.
  if (!(micros >= linearMicros)) return micros > 0 ? micros : 0
  const doubling = 31 - Math.clz32(micros)
  const part = (micros >>> (doubling - 4)) - bucketsPerDoubling
  return linearMicros + (doubling - 5) * bucketsPerDoubling + part
}

function middleMs(bucket: number): number {
  if (bucket < linearMicros) return (bucket + 0.5) / 1_000
  const above = bucket - linearMicros
  const width = 2 ** (Math.floor(above / bucketsPerDoubling) + 1)
  const from = (bucketsPerDoubling + (above % bucketsPerDoubling)) * width
  return (from + width / 2) / 1_000
}
