/** Values that are kept; of more in one window, the last ones. */
const capacity = 256

/** The median of what was measured since it was last taken. */
export class MedianWindow {
  readonly #values = new Float64Array(capacity)
  #count = 0

  get count(): number {
    return this.#count
  }

  add(value: number): void {
    this.#values[this.#count++ % capacity] = value
  }

  /** Begins the next window; `undefined` when nothing was measured in this one. */
  take(): number | undefined {
    const values = this.#values.subarray(0, Math.min(this.#count, capacity)).sort()
    this.#count = 0
    return values[values.length >> 1]
  }
}
