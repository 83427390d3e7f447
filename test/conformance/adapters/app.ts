import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline, type Readable } from 'node:stream'
import { createGzip, type Gzip } from 'node:zlib'
import type { Clock } from '../../../src/core/index.ts'
import type { ResponseCache } from '../../../src/http/index.ts'

/** What a handler of the suite knows of its request, on every framework. */
export interface Call {
  readonly method: string
  /** As the handler sees them. */
  readonly headers: IncomingHttpHeaders
  /** Who has logged in; empty where nobody has, or needs to. */
  readonly user: string
  addTags(tags: readonly string[]): void
}

/** What a handler of the suite answers; each framework sends it by its own means. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** A list is written piece by piece, within one turn of the event loop. */
  readonly body?: string | Buffer | Readable | readonly Buffer[]
}

/** What it throws, the app answers with a 500 and {@link broken}. */
export type Handler = (call: Call) => Answer | Promise<Answer>

export const broken = 'broken'

/** How `GET /page` is cached. */
export interface PageCache {
  readonly ttlMs?: number
  readonly tags?: readonly string[]
  readonly isPublic?: boolean
  readonly maxBodyBytes?: number
  /** Each user has responses of his own. */
  readonly isByUser?: boolean
}

/** An app that the suite wants; each adapter's test builds it with the means of its framework. */
export interface AppPlan {
  readonly clock: Clock
  /** Of `GET /page`. */
  readonly cache?: PageCache
  readonly handler: Handler
  /** Of every other method of `/page`; without a cache. */
  readonly write?: Handler
  /** Nobody comes to a handler who is not a {@link userOf}. */
  readonly hasLogin?: boolean
  /** Headers that the app sets before the cache step, for each request anew. */
  readonly headersFor: (request: IncomingMessage) => Readonly<Record<string, string>>
  /** The app compresses, before the cache step or between it and the handler. */
  readonly gzip?: 'before' | 'behind'
}

/** The app of a plan, on a port of this machine. */
export interface RunningApp {
  readonly port: number
  readonly responseCache: ResponseCache
  invalidateTags(tags: readonly string[]): Promise<void>
  /** Of the cache alone: the server goes on. */
  closeCache(): Promise<void>
  close(): Promise<unknown>
}

/** The user that a request logs in as; `undefined` lets nobody in. */
export function userOf({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^Bearer (ada|bob)$/.exec(authorization ?? '')?.[1]
}

/** Listens, where the server does not yet. */
export async function running(
  server: Server,
  hot: Pick<RunningApp, 'invalidateTags'> & {
    readonly responseCache: ResponseCache | undefined
    close(): Promise<void>
  },
): Promise<RunningApp> {
  if (!server.listening) {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  }
  const { port } = server.address() as AddressInfo
  const { responseCache } = hot
  if (responseCache === undefined) throw new Error('the suite is about apps with a cache')
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await hot.close()
  }
  return {
    port,
    responseCache,
    invalidateTags: (tags) => hot.invalidateTags(tags),
    closeCache: () => hot.close(),
    close,
  }
}

/** Sends an answer to a response of `node:http`. */
export function sendRaw(response: ServerResponse, { status = 200, headers, body }: Answer): void {
  response.writeHead(status, headers)
  if (body === undefined) response.end()
  else if (typeof body === 'string' || Buffer.isBuffer(body)) response.end(body)
  else if ('pipe' in body) pipeline(body, response, () => {})
  else {
    for (const piece of body) response.write(piece)
    response.end()
  }
}

/**
 * Compresses what goes through a response from now on, as `compression` does: with functions of its
 * own in place of the response's, and a stream between.
 */
export function gzipThrough(response: ServerResponse): void {
  const { write, end, writeHead } = response
  let gzip: Gzip | undefined
  const begun = (): Gzip => {
    if (gzip !== undefined) return gzip
    response.removeHeader('content-length')
    response.setHeader('content-encoding', 'gzip')
    response.appendHeader('vary', 'accept-encoding')
    gzip = createGzip()
    gzip.on('data', (bytes: Buffer) => void Reflect.apply(write, response, [bytes]))
    gzip.on('end', () => void Reflect.apply(end, response, []))
    return gzip
  }
  const isBodiless = () =>
    response.req.method === 'HEAD' || [204, 304].includes(response.statusCode)
  Object.assign(response, {
    // Held back until it is known whether there is a body.
    writeHead(status: number, headers: Readonly<Record<string, string>> = {}) {
      response.statusCode = status
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
      if (gzip !== undefined || isBodiless()) Reflect.apply(writeHead, response, [status])
      return response
    },
    write: (bytes: Buffer) => begun().write(bytes),
    end(bytes?: string | Buffer) {
      if (isBodiless() || (bytes === undefined && gzip === undefined)) {
        return Reflect.apply(end, response, [])
      }
      begun().end(bytes)
      return response
    },
  })
}
