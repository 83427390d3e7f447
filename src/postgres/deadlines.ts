import type { Clock, Timer } from '../core/index.ts'

/**
 * One timer for the nearest of many deadlines, looked at only when it fires: a timer for every query
 * would cost more than the rest of the pool.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #onDue: (nowMs: number) => number
  #timer: Timer | undefined
  #dueMs = Infinity

  /** @param onDue - deals with what is due and returns the next deadline, or Infinity */
  constructor(clock: Clock, onDue: (nowMs: number) => number) {
    this.#clock = clock
    this.#onDue = onDue
  }

  /** Sees to it that `onDue` is called then, if not before. */
  watch(dueMs: number): void {
    if (dueMs >= this.#dueMs) return
    this.#timer?.cancel()
    this.#dueMs = dueMs
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => {
      this.#dueMs = Infinity
      this.watch(this.#onDue(this.#clock.monotonicMs()))
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#dueMs = -Infinity
  }
}
