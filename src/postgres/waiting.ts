import type { Clock, Timer } from '../core/index.ts'
import type { Connection } from './connection.ts'

/** Something that waits for a connection: a query, or a borrower. */
export interface Waiter {
  /** Needs a connection on which nothing else is under way. */
  readonly isAlone: boolean
  /** All the same, one other of its kind may be sent with it. */
  readonly isPaired: boolean
  readonly queuedAtMs: number
  start(connection: Connection, nowMs: number): void
  reject(error: unknown): void
}

/** The waiters in order of their coming, each with the same time to wait. */
export class WaitingLine {
  readonly #waiters = new Set<Waiter>()
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #onTimeout: (waiter: Waiter) => void
  #timer: Timer | undefined

  constructor(clock: Clock, timeoutMs: number, onTimeout: (waiter: Waiter) => void) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#onTimeout = onTimeout
  }

  get size(): number {
    return this.#waiters.size
  }

  first(): Waiter | undefined {
    for (const waiter of this.#waiters) return waiter
    return undefined
  }

  add(waiter: Waiter): void {
    this.#waiters.add(waiter)
    if (this.#timer === undefined) this.#watch(waiter)
  }

  /** False when it was not waiting. */
  remove(waiter: Waiter): boolean {
    return this.#waiters.delete(waiter)
  }

  /** Takes everybody out. */
  clear(): Waiter[] {
    const all = [...this.#waiters]
    this.#waiters.clear()
    this.#timer?.cancel()
    this.#timer = undefined
    return all
  }

  // All wait equally long, so the first in line is the first to be late.
  #watch(first: Waiter): void {
    const dueMs = first.queuedAtMs + this.#timeoutMs
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => {
      this.#timer = undefined
      const nowMs = this.#clock.monotonicMs()
      for (const waiter of this.#waiters) {
        if (waiter.queuedAtMs + this.#timeoutMs > nowMs) break
        this.remove(waiter)
        this.#onTimeout(waiter)
      }
      const next = this.first()
      if (next !== undefined && this.#timer === undefined) this.#watch(next)
    })
  }
}
