import { systemClock } from '../core/index.ts'

/** Whether it has settled, whichever way, before the time is up. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = systemClock.after(ms, () => late.resolve(false))
  const settled = promise.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([settled, late.promise])
  } finally {
    timer.cancel()
  }
}
