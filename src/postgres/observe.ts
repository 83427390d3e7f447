import { eventChannel, type Clock } from '../core/index.ts'
import type { Answer, QueryRequest } from './flight.ts'

const queryEnded = eventChannel('hotpath:postgres:query')
const connectionChanged = eventChannel('hotpath:postgres:connection')

/** Who has to be told how a query ended; undefined when nobody listens. */
export function observer(pool: string, request: QueryRequest, clock: Clock): Answer | undefined {
  if (!queryEnded.hasSubscribers) return undefined
  const atMs = clock.monotonicMs()
  return (error, result) => {
    const durationMs = clock.monotonicMs() - atMs
    const { text } = request
    queryEnded.publish({ pool, text, durationMs, rowCount: result?.rowCount ?? undefined, error })
  }
}

export function announceConnection(
  pool: string,
  change: 'opened' | 'closed',
  reason: string | undefined,
): void {
  if (connectionChanged.hasSubscribers) connectionChanged.publish({ pool, change, reason })
}
