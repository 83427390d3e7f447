import { SlidingSlices, type SlidingWindow } from './sliding-slices.ts'

interface Slice {
  hits: number
  misses: number
}

/** How often a cache had of late what it was asked for. */
export class SlidingHits {
  readonly #slices: SlidingSlices<Slice>

  constructor(window: SlidingWindow) {
    this.#slices = new SlidingSlices<Slice>(
      window,
      () => ({ hits: 0, misses: 0 }),
      (slice) => {
        slice.hits = 0
        slice.misses = 0
      },
    )
  }

  add(hits: number, misses: number, nowMs: number): void {
    const slice = this.#slices.at(nowMs)
    slice.hits += hits
    slice.misses += misses
  }

  counts(nowMs: number): { readonly hits: number; readonly misses: number } {
    let hits = 0
    let misses = 0
    for (const slice of this.#slices.all(nowMs)) {
      hits += slice.hits
      misses += slice.misses
    }
    return { hits, misses }
  }
}
