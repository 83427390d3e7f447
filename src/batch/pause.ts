import { maxTimerMs, type Clock } from '../core/index.ts'
import type { Aborts, Stoppable } from './aborts.ts'

/** Resolves after a while, never earlier; rejects when the run is aborted. */
export function pause(clock: Clock, delayMs: number, aborts: Aborts): Promise<void> {
  return new Promise((resolve, reject) => {
    // An abort may have come between the answer and the pause.
    aborts.throwIfAborted()
    // Somebody awaits this, but between two attempts there may be no socket that keeps the process
    // alive, and the timers of a clock never do.
    const hold = setInterval(() => {}, maxTimerMs)
    // Node's timers may fire up to a millisecond early.
    const timer = clock.after(Math.ceil(delayMs) + 1, () => {
      clearInterval(hold)
      aborts.delete(stop)
      resolve()
    })
    const stop: Stoppable = {
      abortPlace: -1,
      abort(reason) {
        clearInterval(hold)
        timer.cancel()
        reject(reason)
      },
    }
    aborts.add(stop)
  })
}
