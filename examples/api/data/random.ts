/** Numbers that depend on the seed alone, so that the same seed writes the same dump. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, but not including, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  chance(ratio: number): boolean {
    return this.next() < ratio
  }

  pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.below(values.length)] ?? values[0]
  }

  /** Bell-shaped around 0 with a deviation of 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next())
  }

  /** Mostly near `median`, sometimes many times as much: sizes of texts, views, scores. */
  logNormal(median: number, sigma: number): number {
    return median * Math.exp(sigma * this.normal())
  }

  /** How many of something that goes on with the same chance each time; `mean` on average. */
  geometric(mean: number): number {
    return Math.floor(Math.log(1 - this.next()) / Math.log(mean / (mean + 1)))
  }

  /**
   * A rank from 0 up to, but not including, `end`, where rank r turns up about in proportion to
   * 1 / (r + 1)^exponent: the inverse of the continuous distribution, without a table.
   */
  zipf(end: number, exponent: number): number {
    const power = 1 - exponent
    const rank = ((end + 1) ** power - 1) * this.next() + 1
    return Math.min(end - 1, Math.floor(rank ** (1 / power)) - 1)
  }
}
