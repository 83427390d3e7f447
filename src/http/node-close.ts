import type { ServerResponse } from 'node:http'
import type { Clock } from '../core/index.ts'
import type { ForwardedRequest } from './forwarded-request.ts'

/**
 * How long a handler whose client has gone away may still answer those who wait for the same thing.
 * Most do, a moment later; one that has noticed and stopped must not keep them for ever.
 */
export const lateAnswerMs = 5_000

/**
 * A client that goes away takes nothing from those who wait: a handler that is still running will
 * answer them. What has ended without an answer is given up. `result` is what the handler returned.
 */
export function abandonAfterClose(
  response: ServerResponse,
  forwarded: ForwardedRequest,
  result: unknown,
  clock: Clock,
): void {
  response.once('close', () => {
    if (!forwarded.mayStore) return
    const abandon = () => forwarded.abandon()
    // Answered by other means than those that are watched, or given up by the handler itself.
    if (response.writableEnded || response.errored !== null) return abandon()
    const timer = clock.after(lateAnswerMs, abandon)
    if (!(result instanceof Promise)) return
    const end = () => {
      timer.cancel()
      abandon()
    }
    void result.then(end, end)
  })
}
