import type { Clock } from '../core/index.ts'

/** Resolves after a while. Rejects with the signal's reason as soon as that aborts. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(delayMs, () => {
      signal.removeEventListener('abort', leave)
      resolve()
    })
    const leave = () => {
      timer.cancel()
      reject(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
  })
}
