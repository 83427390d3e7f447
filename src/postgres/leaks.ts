import type { PoolClient } from 'pg'
import { eventChannel, type Clock, type Timer } from '../core/index.ts'

const leaked = eventChannel('hotpath:postgres:leak')

/** A client that is out, and who asked for it. */
export interface Loan {
  readonly client: PoolClient
  /** Its stack leads to the call of `connect()`. */
  readonly site: Error
  readonly sinceMs: number
}

/** Watches clients that are lent, and reports once each that is held for too long. */
export class LeakWatch {
  reportedCount = 0
  readonly #pool: string
  readonly #clock: Clock
  readonly #leakMs: number
  readonly #onLeak: (loan: Loan) => void
  readonly #loans = new Set<Loan>()
  #timer: Timer | undefined

  constructor(pool: string, clock: Clock, leakMs: number, onLeak: (loan: Loan) => void) {
    this.#pool = pool
    this.#clock = clock
    this.#leakMs = leakMs
    this.#onLeak = onLeak
  }

  lent(client: PoolClient, site: Error): Loan {
    const loan = { client, site, sinceMs: this.#clock.monotonicMs() }
    this.#loans.add(loan)
    if (this.#timer === undefined) this.#watch(loan)
    return loan
  }

  returned(loan: Loan): void {
    this.#loans.delete(loan)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#loans.clear()
  }

  // All may be held equally long, so the first that was lent is the first to be late. Its return does
  // not touch the timer: on a busy pool that would cost more than looking in vain now and then.
  #watch(first: Loan): void {
    const nowMs = this.#clock.monotonicMs()
    this.#timer = this.#clock.after(Math.max(0, first.sinceMs + this.#leakMs - nowMs), () => {
      this.#timer = undefined
      this.#reportLate()
    })
  }

  #reportLate(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const loan of this.#loans) {
      const heldMs = nowMs - loan.sinceMs
      if (heldMs < this.#leakMs) {
        this.#watch(loan)
        return
      }
      this.#loans.delete(loan)
      this.reportedCount++
      loan.site.message = `a client from pool.connect() is held for ${Math.round(heldMs)} ms; release it in a finally block`
      if (leaked.hasSubscribers) leaked.publish({ pool: this.#pool, heldMs, site: loan.site })
      this.#onLeak(loan)
    }
  }
}
