import type { ServerResponse } from 'node:http'
import { callbackIn, isChunk, setHeaders } from './node-headers.ts'
import type { ResponseCache } from './response-cache.ts'
import type { CacheableRequest } from './route-options.ts'

const safeMethods = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

/** False for a method that may change what is stored (RFC 9110, 9.2.1). */
export function isSafeMethod(method: string): boolean {
  return safeMethods.includes(method)
}

const watched = new WeakSet<ServerResponse>()

/**
 * Tells the cache of the answer to an unsafe request before the answer has ended: who has read it
 * to its end finds nothing older than the write. `request` is asked at the end, when a router has
 * come to know the address.
 */
export function settleBeforeEnd(
  cache: ResponseCache,
  request: () => Pick<CacheableRequest, 'method' | 'host' | 'url'>,
  response: ServerResponse,
): void {
  if (watched.has(response)) return
  watched.add(response)
  const { end, writeHead } = response
  let state: 'open' | 'held' | 'ended' = 'open'

  const hold = (parameters: readonly unknown[]): void => {
    state = 'held'
    const { statusCode } = response
    // The answer stands; whoever asks must not begin another.
    Object.defineProperty(response, 'headersSent', { configurable: true, value: true })
    const release = () => {
      state = 'ended'
      Reflect.deleteProperty(response, 'headersSent')
      response.statusCode = statusCode
      Reflect.apply(end, response, parameters)
    }
    void cache.settleUnsafe(request(), statusCode, response.getHeaders()).then(release, release)
  }

  Object.assign(response, {
    end(...parameters: unknown[]): unknown {
      const [first] = parameters
      // What Node refuses it refuses itself, at once.
      const isRefused = first != null && typeof first !== 'function' && !isChunk(first)
      if (state === 'ended' || isRefused) return Reflect.apply(end, response, parameters)
      if (state === 'open') hold(parameters)
      else callbackIn(parameters)?.()
      return response
    },
    // Headers that are given here alone are not among those that a response tells of.
    writeHead(status: number, ...rest: unknown[]): unknown {
      if (!response.headersSent)
        setHeaders(
          response,
          rest.find((one) => typeof one === 'object'),
        )
      const message = rest.filter((one) => typeof one === 'string')
      return Reflect.apply(writeHead, response, [status, ...message])
    },
  })
}
