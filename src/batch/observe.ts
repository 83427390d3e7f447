import { eventChannel, type TraceRecorder } from '../core/index.ts'
import { placeOf, type Target } from './fetch-request.ts'

const calls = eventChannel('hotpath:batch:call')

/** How a call ended. */
export interface CallEnd {
  readonly atMs: number
  readonly durationMs: number
  readonly status: number | undefined
  readonly error: unknown
}

/** Tells the trace of the request that called, and whoever listens. */
export function announceCall(
  trace: TraceRecorder | undefined,
  target: Target,
  end: CallEnd,
  attempts: number,
): void {
  if (trace === undefined && !calls.hasSubscribers) return
  const { method } = target
  const url = placeOf(target)
  trace?.add({ kind: 'call', method, url, ...end })
  if (calls.hasSubscribers) {
    const { durationMs, status, error } = end
    calls.publish({ method, url, status, attempts, durationMs, error })
  }
}
