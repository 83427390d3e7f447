import type { CallRecord } from './call-record.ts'
import { countTurn, type UsageSample } from './call-usage.ts'

/** Ends the call when the promise settles. Returns the promise that the caller gets. */
export function followPromise(
  promise: Promise<unknown>,
  record: CallRecord,
  sample: UsageSample | undefined,
  startMs: number,
): Promise<unknown> {
  const end = (isFailed: boolean, error: unknown) => {
    const durationMs = performance.now() - startMs
    // Its own turns are its beginning and its end.
    countTurn()
    record.endLater(durationMs, sample?.ofThread(2), isFailed, error)
  }
  record.goOn()
  countTurn()
  const followed = promise.then(
    (value) => {
      end(false, undefined)
      return value
    },
    (error: unknown) => {
      end(true, error)
      throw error
    },
  )
  // The promise itself cannot be both handed on and followed: its rejection would count as handled
  // even if the caller forgets it. One that carries more than an outcome (got's has `.json()`) must be
  // handed on all the same.
  if (isPlain(promise)) return followed
  followed.catch(() => {})
  return promise
}

function isPlain(promise: Promise<unknown>): boolean {
  return (
    Object.getPrototypeOf(promise) === Promise.prototype && Reflect.ownKeys(promise).length === 0
  )
}
