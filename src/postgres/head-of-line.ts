import { stallMs, type Habit } from './habit.ts'
import type { Pulse } from './pulse.ts'
import type { RoundTrip } from './round-trip.ts'

/** What is learnt from: a flight, of which this is all that counts here. */
interface Answered {
  readonly sentAtMs: number
  readonly statement: { readonly habit: Pick<Habit, 'learn'> }
}

/**
 * The query of a connection that the server works on: since when, and what is learnt from how long it
 * took. Those behind it have not begun, however long ago they were sent.
 */
export class HeadOfLine {
  /** When it came to be the first in line. */
  sinceMs = 0
  readonly #roundTrip: RoundTrip
  readonly #pulse: Pulse
  // The pulse of the pool at that time.
  #sincePulse = 0

  constructor(roundTrip: RoundTrip, pulse: Pulse) {
    this.#roundTrip = roundTrip
    this.#pulse = pulse
  }

  /** Another is the first from now on, or the next that is sent. */
  begin(nowMs: number): void {
    this.sinceMs = nowMs
    this.#sincePulse = this.#pulse.count
  }

  /** It was answered. */
  learn(flight: Answered, nowMs: number): void {
    const tookMs = nowMs - this.sinceMs
    this.#pulse.beat(nowMs)
    const { habit } = flight.statement
    const isItsOwn =
      tookMs < stallMs || this.#pulse.isOwnStall(habit, this.#sincePulse, tookMs, nowMs)
    // An answer to what was sent while others were under way has not waited for the network.
    if (flight.sentAtMs === this.sinceMs) {
      this.#roundTrip.observe(tookMs)
      habit.learn(tookMs - this.#roundTrip.usualMs, isItsOwn)
    } else {
      habit.learn(tookMs, isItsOwn)
    }
  }
}
