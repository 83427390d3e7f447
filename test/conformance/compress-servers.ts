import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify, { type FastifyReply } from 'fastify'
import { Hono } from 'hono'
import { createServer, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { hotpath as expressHotpath } from '../../src/adapters/express/index.ts'
import { hotpath as fastifyHotpath } from '../../src/adapters/fastify/index.ts'
import { hotpath as honoHotpath } from '../../src/adapters/hono/index.ts'
import { hotpath as nodeHotpath } from '../../src/adapters/node/index.ts'
import type { CompressorOptions } from '../../src/http/index.ts'
import { listening } from './listening.ts'

/** What a handler answers with. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** A whole body, or pieces that are sent as they come. */
  readonly body?: string | Buffer | (() => AsyncIterable<string | Buffer>)
}

export interface CompressServer {
  readonly url: string
  close(): Promise<void>
}

type Start = (
  answerOf: (path: string) => Answer,
  compress?: CompressorOptions | true,
  ttlMs?: number,
) => Promise<CompressServer>

/**
 * The same app on each framework: `GET` of `/` and of `/some`; with a `ttlMs`, of `/cached` with a cache; any
 * other address belongs to no route, and is answered by whoever answers such.
 */
export const compressServers: Readonly<Record<string, Start>> = {
  async fastify(answerOf, compress = true, ttlMs) {
    const app = fastify()
    await app.register(fastifyHotpath, { compress, cache: ttlMs === undefined ? false : { ttlMs } })
    const config = ttlMs === undefined ? {} : { hotpath: { cache: { isPublic: true } } }
    app.get('/cached', { config }, (_request, reply) => send(reply, answerOf('/cached')))
    app.get('/off', { config: { hotpath: { compress: false } } }, (_request, reply) =>
      send(reply, answerOf('/off')),
    )
    app.setNotFoundHandler((request, reply) => send(reply, answerOf(request.url)))
    app.get('/some', (request, reply) => send(reply, answerOf(request.url)))
    app.get('/', (request, reply) => send(reply, answerOf(request.url)))
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }

    function send(reply: FastifyReply, { status, headers, body }: Answer) {
      return reply
        .code(status ?? 200)
        .headers(headers ?? {})
        .send(typeof body === 'function' ? Readable.from(body(), { objectMode: false }) : body)
    }
  },
  async express(answerOf, compress = true, ttlMs) {
    const app = express().disable('etag').disable('x-powered-by')
    const hot = expressHotpath({ compress, cache: ttlMs === undefined ? false : { ttlMs } })
    app.use(hot)
    const answer: express.RequestHandler = async (request, response) => {
      const { status = 200, headers = {}, body } = answerOf(request.path)
      response.status(status).set(headers)
      if (typeof body === 'function') await pour(response, body())
      else if (headers['content-type'] === undefined) response.end(body)
      else response.send(body)
    }
    app.get('/cached', hot.cached({ isPublic: true }), answer)
    app.get(['/', '/some'], answer)
    // Behind the routes: whoever comes here has found none.
    app.use(answer)
    return listening(createServer(app), hot.close)
  },
  async hono(answerOf, compress = true, ttlMs) {
    const app = new Hono()
    const hot = honoHotpath({ compress, cache: ttlMs === undefined ? false : { ttlMs } })
    app.use(hot)
    const answer = (path: string) => {
      const { status = 200, headers = {}, body = null } = answerOf(path)
      const sent =
        typeof body === 'function'
          ? (Readable.toWeb(Readable.from(body(), { objectMode: false })) as ReadableStream)
          : (body as string | null)
      return new Response(sent, { status, headers })
    }
    app.get('/cached', hot.cached({ isPublic: true }), (context) => answer(context.req.path))
    app.get('/', (context) => answer(context.req.path))
    app.get('/some', (context) => answer(context.req.path))
    app.notFound((context) => answer(context.req.path))
    const listener = getRequestListener(app.fetch)
    return listening(
      createServer((request, response) => void listener(request, response)),
      hot.close,
    )
  },
  async 'node:http'(answerOf, compress = true, ttlMs) {
    const hot = nodeHotpath({ compress, cache: ttlMs === undefined ? false : { ttlMs } })
    const answer = async (request: { url?: string | undefined }, response: ServerResponse) => {
      const { status = 200, headers = {}, body } = answerOf(request.url ?? '/')
      response.writeHead(status, headers)
      if (typeof body === 'function') await pour(response, body())
      else response.end(body)
    }
    const cached = hot.cached({ isPublic: true, route: '/cached' }, answer)
    const handler = hot.handler((request, response) =>
      request.url === '/cached' ? cached(request, response) : answer(request, response),
    )
    return listening(
      createServer((request, response) => void handler(request, response)),
      hot.close,
    )
  },
}

/** As a careful handler would: it waits where the client is slow, and stops where it has gone. */
async function pour(
  response: ServerResponse,
  pieces: AsyncIterable<string | Buffer>,
): Promise<void> {
  const closed = new Promise<void>((resolve) => void response.once('close', resolve))
  try {
    for await (const piece of pieces) {
      if (response.destroyed) return
      if (response.write(piece)) continue
      await Promise.race([closed, new Promise((resolve) => response.once('drain', resolve))])
    }
    response.end()
  } catch (error) {
    response.destroy(error as Error)
  }
}
