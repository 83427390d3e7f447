import { createConnection } from './connection.ts'
import { isExpected, requestBytes, type LoadRequest } from './request.ts'

/**
 * Sends requests one after another over one connection, and tells how long each took in
 * milliseconds.
 *
 * @throws Error when an answer is not 2xx
 */
export async function timeOneByOne(
  port: number,
  requests: readonly LoadRequest[],
  signal: AbortSignal,
): Promise<number[]> {
  const connection = createConnection(port)
  const tookMs: number[] = []
  try {
    for (const request of requests) {
      signal.throwIfAborted()
      const bytes = requestBytes(port, request)
      const startMs = performance.now()
      const statusCode = await new Promise<number>((resolve) => connection.send(bytes, resolve))
      if (!isExpected(statusCode)) {
        throw new Error(`${request.method} ${request.path} was answered with ${statusCode}`)
      }
      tookMs.push(performance.now() - startMs)
    }
  } finally {
    connection.close()
  }
  return tookMs
}
