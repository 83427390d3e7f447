import type { ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'

/** Adds a `Server-Timing` to a response of `node:http`, worked out when its head is written. */
export function sendServerTiming(response: ServerResponse, value: () => string): void {
  const { writeHead } = response
  let isAdded = false
  response.writeHead = function timed(...parameters: unknown[]) {
    if (!isAdded && !response.headersSent) {
      isAdded = true
      response.appendHeader('server-timing', value())
    }
    return Reflect.apply(writeHead, response, parameters) as ServerResponse
  }
}

/**
 * The value of `Server-Timing` (W3C): the time until the head is written, that of the queries where the
 * request is traced, what the response cache said, and the budget of such a request.
 */
export function serverTiming(
  { elapsedMs, cacheVerdict, trace }: Exchange,
  kind: string,
  budgetMs: number | undefined,
): string {
  const metrics = [`total;dur=${elapsedMs.toFixed(1)}`]
  const queries = trace?.entries.filter((entry) => entry.kind === 'query') ?? []
  if (queries.length > 0) {
    const sumMs = queries.reduce((sum, { durationMs }) => sum + durationMs, 0)
    metrics.push(`db;dur=${sumMs.toFixed(1)};desc="queries: ${queries.length}"`)
  }
  if (cacheVerdict !== undefined) metrics.push(`cache;desc="${cacheVerdict}"`)
  if (budgetMs !== undefined) metrics.push(`budget;dur=${budgetMs};desc="${kind}"`)
  return metrics.join(', ')
}
