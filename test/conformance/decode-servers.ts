import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { hotpath as expressHotpath } from '../../src/adapters/express/index.ts'
import { hotpath as fastifyHotpath } from '../../src/adapters/fastify/index.ts'
import { hotpath as honoHotpath } from '../../src/adapters/hono/index.ts'
import { hotpath as nodeHotpath } from '../../src/adapters/node/index.ts'
import type { DecodeOptions } from '../../src/http/index.ts'
import { listening } from './listening.ts'

export interface DecodeServer {
  readonly url: string
  close(): Promise<void>
}

/** What each app answers to a body. */
export interface Seen {
  readonly length: number
  readonly start: string
  readonly coding: string | undefined
}

type Start = (
  decodeRequests: DecodeOptions | boolean,
  hear?: (error: Error) => void,
) => Promise<DecodeServer>

/** More than any limit on trial. */
const parserBytes = 2 ** 31

/**
 * The same app on each way to read a body: `POST /` says what it has seen. `hear` gets the errors of
 * whoever reads.
 */
export const decodeServers: Readonly<Record<string, Start>> = {
  async fastify(decodeRequests, hear = () => {}) {
    const app = fastify({ bodyLimit: parserBytes })
    await app.register(fastifyHotpath, { cache: false, decodeRequests })
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    app.setErrorHandler((error, _request, reply) => {
      hear(error as Error)
      return reply.code(500).send('an error page of the app, as long as it likes to be'.repeat(9))
    })
    app.post('/', (request) => seen((request.body as Buffer | null) ?? empty, request.headers))
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
  async 'express, by body-parser'(decodeRequests, hear) {
    return expressServer(decodeRequests, hear, (app) => {
      app.post('/', express.raw({ type: () => true, limit: parserBytes }), (request, response) => {
        const body: unknown = request.body
        response.json(seen(Buffer.isBuffer(body) ? body : empty, request.headers))
      })
    })
  },
  async 'express, by for await, behind a login'(decodeRequests, hear) {
    return expressServer(decodeRequests, hear, (app) => {
      app.post('/', async (request, response) => {
        await turn()
        response.json(seen(await read(request), request.headers))
      })
    })
  },
  async hono(decodeRequests, hear = () => {}) {
    const app = new Hono()
    const hot = honoHotpath({ cache: false, decodeRequests })
    app.use(hot)
    app.post('/', async (context) => {
      const body = Buffer.from(await context.req.arrayBuffer())
      return context.json(seen(body, context.req.header()))
    })
    app.onError((error, context) => {
      hear(error)
      return context.text('an error page of the app', 500)
    })
    const listener = getRequestListener(app.fetch)
    return listening(
      createServer((request, response) => void listener(request, response)),
      hot.close,
    )
  },
  async 'node:http, by for await'(decodeRequests, hear = () => {}) {
    const hot = nodeHotpath({ cache: false, decodeRequests })
    const handler = hot.handler(async (request, response) => {
      try {
        response.end(JSON.stringify(seen(await read(request), request.headers)))
      } catch (error) {
        hear(error as Error)
        throw error
      }
    })
    const server = createServer((request, response) => {
      void Promise.resolve(handler(request, response)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ECONNRESET') throw error
      })
    })
    return listening(server, hot.close)
  },
  async 'node:http, by events, without one for errors'(decodeRequests, hear = () => {}) {
    const hot = nodeHotpath({ cache: false, decodeRequests })
    const handler = hot.handler((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        response.end(JSON.stringify(seen(Buffer.concat(chunks), request.headers)))
      })
      request.on('close', () => {
        if (!request.readableEnded) hear(new Error('the request was closed'))
      })
    })
    return listening(
      createServer((request, response) => void handler(request, response)),
      hot.close,
    )
  },
}

const empty = Buffer.alloc(0)

function expressServer(
  decodeRequests: DecodeOptions | boolean,
  hear: (error: Error) => void = () => {},
  route: (app: express.Express) => void,
): Promise<DecodeServer> {
  const app = express()
  const hot = expressHotpath({ cache: false, decodeRequests })
  // A body that is complete before anybody looks at it.
  app.use(async (_request, _response, next) => {
    for (let turns = 0; turns < 5; turns++) await turn()
    next()
  })
  app.use(hot)
  route(app)
  const page: express.ErrorRequestHandler = (error, _request, response, next) => {
    hear(error as Error)
    if (response.headersSent) next(error)
    else response.status(500).json({ page: 'of the app' })
  }
  app.use(page)
  return listening(createServer(app), hot.close)
}

async function read(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function seen(body: Buffer, headers: IncomingHttpHeaders | Record<string, string>): Seen {
  const coding = headers['content-encoding']
  return { length: body.length, start: body.toString('latin1', 0, 30), coding }
}
