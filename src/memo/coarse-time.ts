import type { Clock } from '../core/index.ts'

const resolutionMs = 1

/**
 * The time, read at most once a millisecond: on many machines, reading the clock takes longer than
 * all the rest of a hit. While the event loop is blocked, time stands still here.
 */
export class CoarseTime {
  readonly #clock: Clock
  readonly #forget: () => void
  #nowMs: number | undefined = undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#forget = () => {
      this.#nowMs = undefined
    }
  }

  nowMs(): number {
    if (this.#nowMs === undefined) {
      this.#nowMs = this.#clock.monotonicMs()
      this.#clock.after(resolutionMs, this.#forget)
    }
    return this.#nowMs
  }
}
