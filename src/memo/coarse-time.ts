import type { Clock } from '../core/index.ts'

const resolutionMs = 1
/** A timer costs about as much as so many readings of the clock. */
const readingsPerTimer = 16

/**
 * The time. Who asks often is told what it was up to a millisecond ago: on many machines, reading the
 * clock takes longer than all the rest of a hit. While the event loop is blocked, time stands still
 * for those.
 */
export class CoarseTime {
  readonly #clock: Clock
  readonly #forget: () => void
  #nowMs: number | undefined = undefined
  #sinceMs = -Infinity
  #readings = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#forget = () => {
      this.#nowMs = undefined
    }
  }

  nowMs(): number {
    if (this.#nowMs !== undefined) return this.#nowMs
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#sinceMs >= resolutionMs) {
      this.#sinceMs = nowMs
      this.#readings = 0
    } else if (++this.#readings >= readingsPerTimer) {
      this.#nowMs = nowMs
      this.#readings = 0
      this.#clock.after(resolutionMs, this.#forget)
    }
    return nowMs
  }
}
