import { setTimeout as elapse } from 'node:timers/promises'
import type { Ledger } from './ledger.ts'

// Nothing in a churn takes a second; whoever waits this long was forgotten.
const hangMs = 20_000

/**
 * Sees a call to its end, and books how it ended. It never rejects.
 *
 * @param isBorrower - the call works on a client of its own, and may go on after that has broken
 */
export async function within(
  ledger: Ledger,
  what: string,
  call: Promise<unknown>,
  isBorrower = false,
): Promise<void> {
  const over = new AbortController()
  const hung = elapse(hangMs, 'hung', { signal: over.signal }).catch(() => {})
  try {
    const ended = await Promise.race([call, hung])
    if (ended === 'hung') ledger.report('hungCalls', `${what} after ${hangMs} ms`)
  } catch (error) {
    if (isLoss(error, isBorrower)) ledger.lost++
    else ledger.report('unexpectedErrors', `${what}: ${String(error)}`)
  } finally {
    over.abort()
  }
}

/** Asks until it is so, as long as nobody would wait; false when it never was. */
export async function until(isSo: () => Promise<boolean>): Promise<boolean> {
  const deadlineMs = performance.now() + hangMs
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) return false
    await elapse(10)
  }
  return true
}

// What a caller may hear when his connection was killed: PostgreSQL's farewell, or that of the socket.
const lossCodes: readonly unknown[] = [
  '57P01',
  'ECONNRESET',
  'EPIPE',
  'HOTPATH_POSTGRES_OUTCOME_UNKNOWN',
]

function isLoss(error: unknown, isBorrower: boolean): boolean {
  const { code, message = '' } = error as { code?: string; message?: string }
  if (lossCodes.includes(code) || message.startsWith('Connection terminated')) return true
  // A borrower may ask on after his connection broke; the pool itself must not.
  return isBorrower && message.includes('is not queryable')
}
