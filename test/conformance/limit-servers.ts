import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify, { type FastifyRequest } from 'fastify'
import { Hono, type Context } from 'hono'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Request } from 'express'
import { hotpath as expressHotpath } from '../../src/adapters/express/index.ts'
import { hotpath as fastifyHotpath } from '../../src/adapters/fastify/index.ts'
import { hotpath as honoHotpath } from '../../src/adapters/hono/index.ts'
import { hotpath as nodeHotpath } from '../../src/adapters/node/index.ts'
import type { LimitOptions, TrustProxy } from '../../src/http/index.ts'
import { listening } from './listening.ts'

/** What the functions of these options get depends on the framework; the tests read its headers. */
export type AnyLimit = LimitOptions<FastifyRequest & Request & Context & IncomingMessage> | string

/** What a server is to do. */
export interface LimitPlan {
  readonly trustProxy?: TrustProxy
  /** For all requests. */
  readonly limit?: AnyLimit
  /** For `GET /own` alone, which stands behind a login that takes the user from a header. */
  readonly own?: AnyLimit
}

export interface LimitServer {
  readonly url: string
  close(): Promise<void>
}

const text = 'let through'

/** The header that a function of the limit reads, whatever the framework's request is. */
export function headerOf(request: object, name: string): string | undefined {
  if ('req' in request) return (request as Context).req.header(name)
  return (request as IncomingMessage).headers[name]?.toString()
}

/** The same small app on each framework: `GET /` and `GET /own`. */
export const limitServers: Readonly<Record<string, (plan: LimitPlan) => Promise<LimitServer>>> = {
  async fastify({ trustProxy, limit, own }) {
    const app = fastify()
    await app.register(fastifyHotpath, { cache: false, trustProxy, limit: limit as never })
    app.get('/', () => text)
    app.get('/own', { config: { hotpath: { limit: own as never } } }, () => text)
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
  async express({ trustProxy, limit, own }) {
    const app = express()
    const hot = expressHotpath({ cache: false, trustProxy, limit: limit as never })
    app.use(hot)
    app.get('/', (_request, response) => void response.send(text))
    const step = own === undefined ? [] : [hot.limited(own as never)]
    app.get('/own', ...step, (_request, response) => void response.send(text))
    return listening(createServer(app), hot.close)
  },
  async hono({ trustProxy, limit, own }) {
    const app = new Hono()
    const hot = honoHotpath({ cache: false, trustProxy, limit: limit as never })
    app.use(hot)
    app.get('/', (context) => context.text(text))
    if (own !== undefined) app.use('/own', hot.limited(own as never))
    app.get('/own', () => new Response(text))
    const listener = getRequestListener(app.fetch)
    return listening(
      createServer((request, response) => void listener(request, response)),
      hot.close,
    )
  },
  async 'node:http'({ trustProxy, limit, own }) {
    const hot = nodeHotpath({ cache: false, trustProxy, limit: limit as never })
    const plain = (_request: IncomingMessage, response: ServerResponse) => response.end(text)
    const limited = own === undefined ? plain : hot.limited(own as never, plain)
    const handler = hot.handler((request, response) =>
      request.url === '/own' ? limited(request, response) : plain(request, response),
    )
    return listening(
      createServer((request, response) => void handler(request, response)),
      hot.close,
    )
  },
}
