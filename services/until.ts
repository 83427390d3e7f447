import { setTimeout as delay } from 'node:timers/promises'

/** Asks again and again until the answer is yes; false when `withinMs` pass before that. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) return false
    await delay(5)
  }
  return true
}
