/** A timer that is under way. */
export interface Timer {
  cancel(): void
}

/**
 * Where a component reads the time and sets its timers. Components take one as an option and use
 * {@link systemClock} without it; tests hand in one that they move by hand, so that none sleeps.
 */
export interface Clock {
  /** Milliseconds from a fixed but unknown start; never goes back. For durations and deadlines. */
  monotonicMs(): number
  /** Milliseconds since 1970 in UTC; may jump. Only for times that leave the process. */
  epochMs(): number
  /** Calls `run` once after `delayMs`. A timer never holds the process open. */
  after(delayMs: number, run: () => void): Timer
}

/** The real time. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  epochMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** A clock that stands still until `advance` is called; for tests, of hotpath and of its users. */
export interface ManualClock extends Clock {
  /** Moves the time on and runs, in order, the timers that fall due on the way. */
  advance(byMs: number): void
}

/**
 * Makes a {@link ManualClock}.
 *
 * @example
 * ```ts
 * import { createManualClock } from 'hotpath'
 *
 * const clock = createManualClock()
 * let rang = false
 * clock.after(1_000, () => (rang = true))
 * clock.advance(999) // rang is false
 * clock.advance(1) // rang is true
 * ```
 */
export function createManualClock(startEpochMs: number = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsedMs = 0
  const pending = new Set<{ dueMs: number; run: () => void }>()

  return {
    monotonicMs: () => elapsedMs,
    epochMs: () => startEpochMs + elapsedMs,
    after(delayMs, run) {
      const entry = { dueMs: elapsedMs + delayMs, run }
      pending.add(entry)
      return { cancel: () => void pending.delete(entry) }
    },
    advance(byMs) {
      const untilMs = elapsedMs + byMs
      for (;;) {
        const next = [...pending]
          .filter((entry) => entry.dueMs <= untilMs)
          .reduce<{ dueMs: number; run: () => void } | undefined>(
            (first, entry) => (first === undefined || entry.dueMs < first.dueMs ? entry : first),
            undefined,
          )
        if (next === undefined) break
        pending.delete(next)
        elapsedMs = next.dueMs
        next.run()
      }
      elapsedMs = untilMs
    },
  }
}
