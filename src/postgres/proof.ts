import type { Clock } from '../core/index.ts'
import type { PipelinedClient } from './client.ts'

// How long the server may take to answer a check.
const checkTimeoutMs = 1_000

/** What a check has found. */
export interface CheckOutcomes {
  stands(): void
  lost(error: Error): void
  unresponsive(): void
}

/** Whether a connection still stands, which only an answer of the server proves, and for a while. */
export class Proof {
  /** The server is being asked. */
  isChecking = false
  readonly #clock: Clock
  readonly #validMs: number
  // When the server last answered on it, or was last known to.
  #provenMs: number

  constructor(clock: Clock, validMs: number) {
    this.#clock = clock
    this.#validMs = validMs
    this.#provenMs = clock.monotonicMs()
  }

  isValid(nowMs: number): boolean {
    return nowMs - this.#provenMs <= this.#validMs
  }

  /** The server has answered. */
  renew(nowMs: number): void {
    this.#provenMs = nowMs
  }

  revoke(): void {
    this.#provenMs = -Infinity
  }

  /** Asks the server for a sign of life. */
  check(client: PipelinedClient, outcomes: CheckOutcomes): void {
    this.isChecking = true
    const late = this.#clock.after(checkTimeoutMs, () => outcomes.unresponsive())
    client.query('').then(
      () => {
        late.cancel()
        this.isChecking = false
        outcomes.stands()
      },
      (error: Error) => {
        late.cancel()
        outcomes.lost(error)
      },
    )
  }
}
