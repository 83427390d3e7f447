/** The share of time in which threads had work to do, over the last seconds. */
export class Utilisation {
  readonly #windowMs: number
  #busy = 0
  #lastMs: number
  #windowStartMs: number
  #busyMs = 0
  #earlierBusyMs = 0
  #earlierMs = 0

  constructor(nowMs: number, windowMs = 5_000) {
    this.#windowMs = windowMs
    this.#lastMs = nowMs
    this.#windowStartMs = nowMs
  }

  /** So many threads have work, from now on. */
  change(by: 1 | -1, nowMs: number): void {
    this.#advance(nowMs)
    this.#busy += by
  }

  /** Between 0 and 1, of this window and the one before. */
  ratio(threads: number, nowMs: number): number {
    this.#advance(nowMs)
    const overMs = this.#earlierMs + nowMs - this.#windowStartMs
    return overMs === 0 ? 0 : (this.#earlierBusyMs + this.#busyMs) / (overMs * threads)
  }

  #advance(nowMs: number): void {
    this.#busyMs += this.#busy * (nowMs - this.#lastMs)
    this.#lastMs = nowMs
    const windowMs = nowMs - this.#windowStartMs
    if (windowMs < this.#windowMs) return
    this.#earlierBusyMs = this.#busyMs
    this.#earlierMs = windowMs
    this.#busyMs = 0
    this.#windowStartMs = nowMs
  }
}
