import { activeTrace, eventChannel, type Clock } from '../core/index.ts'
import type { Answer, QueryRequest } from './flight.ts'

const queryEnded = eventChannel('hotpath:postgres:query')
const connectionChanged = eventChannel('hotpath:postgres:connection')

/** Who has to be told how a query ended; undefined when nobody listens and nothing is traced. */
export function observer(pool: string, request: QueryRequest, clock: Clock): Answer | undefined {
  const trace = activeTrace()
  if (trace === undefined && !queryEnded.hasSubscribers) return undefined
  const atMs = clock.monotonicMs()
  const site = trace === undefined ? undefined : new Error('query')
  return (error, result) => {
    const durationMs = clock.monotonicMs() - atMs
    const { text, values } = request
    const rowCount = result?.rowCount ?? undefined
    if (queryEnded.hasSubscribers) queryEnded.publish({ pool, text, durationMs, rowCount, error })
    trace?.add({ kind: 'query', atMs, durationMs, text, values, rowCount, error, site })
  }
}

export function announceConnection(
  pool: string,
  change: 'opened' | 'closed',
  reason: string | undefined,
): void {
  if (connectionChanged.hasSubscribers) connectionChanged.publish({ pool, change, reason })
}
