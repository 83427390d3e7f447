/**
 * The last while as a ring of slices, each for an equal part of it. A slice that has become too old
 * is cleared and used again: the memory is that of the slices, whatever is counted.
 */
export class SlidingSlices<Slice> {
  readonly #sliceMs: number
  readonly #slices: readonly Slice[]
  readonly #clear: (slice: Slice) => void
  // Which slice is the newest, counted from the clock's beginning.
  #newest: number

  constructor(
    { windowMs, sliceCount, nowMs }: SlidingWindow,
    make: () => Slice,
    clear: (slice: Slice) => void,
  ) {
    this.#sliceMs = windowMs / sliceCount
    this.#slices = Array.from({ length: sliceCount }, make)
    this.#clear = clear
    this.#newest = Math.floor(nowMs / this.#sliceMs)
  }

  /** The slice that this moment belongs to. */
  at(nowMs: number): Slice {
    const number = Math.floor(nowMs / this.#sliceMs)
    if (number > this.#newest) this.#turnTo(number)
    return this.#slice(this.#newest)
  }

  /** All slices of the window that ends at this moment, in no order. */
  all(nowMs: number): readonly Slice[] {
    this.at(nowMs)
    return this.#slices
  }

  #turnTo(number: number): void {
    const count = this.#slices.length
    const first = Math.max(this.#newest + 1, number - count + 1)
    for (let each = first; each <= number; each++) this.#clear(this.#slice(each))
    this.#newest = number
  }

  #slice(number: number): Slice {
    return this.#slices[number % this.#slices.length] as Slice
  }
}

/** How long, in how many parts, and from when on. */
export interface SlidingWindow {
  readonly windowMs: number
  readonly sliceCount: number
  readonly nowMs: number
}
