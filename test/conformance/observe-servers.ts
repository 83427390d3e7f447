import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createServer, type ServerResponse } from 'node:http'
import { hotpath as expressHotpath } from '../../src/adapters/express/index.ts'
import { hotpath as fastifyHotpath } from '../../src/adapters/fastify/index.ts'
import { hotpath as honoHotpath } from '../../src/adapters/hono/index.ts'
import { hotpath as nodeHotpath, type Listener } from '../../src/adapters/node/index.ts'
import type { ObserveOptions, ResponseCacheOptions, TrustProxy } from '../../src/http/index.ts'
import { listening, type ListeningServer } from './listening.ts'

/** What a server is to do. */
export interface ObservePlan extends ObserveOptions {
  readonly cache?: ResponseCacheOptions | false
  readonly trustProxy?: TrustProxy
  /** Answers `GET /users/:id`. */
  readonly user: (id: string) => Promise<object>
}

/**
 * The same small app on each framework: `GET /users/:id` in a router of its own, `GET /kept`, which is
 * cached, and `GET /broken`, which fails.
 */
export const observeServers: Readonly<
  Record<string, (plan: ObservePlan) => Promise<ListeningServer>>
> = {
  async fastify({ user, ...options }) {
    const app = fastify()
    await app.register(fastifyHotpath, options)
    await app.register(
      async (users) => {
        users.get<{ Params: { id: string } }>('/:id', ({ params }) => user(params.id))
      },
      { prefix: '/users' },
    )
    app.get('/kept', { config: { hotpath: { cache: { isPublic: true } } } }, () => ({ kept: true }))
    app.get('/broken', () => Promise.reject(new Error('broken')))
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
  async express({ user, ...options }) {
    const app = express()
    const hot = expressHotpath(options)
    app.use(hot)
    const users = express.Router()
    users.get('/:id', async ({ params }, response) => void response.json(await user(params.id)))
    app.use('/users', users)
    app.get('/kept', hot.cached(), (_request, response) => void response.json({ kept: true }))
    app.get('/broken', () => Promise.reject(new Error('broken')))
    app.use(((_error, _request, response, _next) => {
      response.status(500).json({})
    }) satisfies express.ErrorRequestHandler)
    return listening(createServer(app), hot.close)
  },
  async hono({ user, ...options }) {
    const app = new Hono()
    const hot = honoHotpath(options)
    app.use(hot)
    const users = new Hono()
    users.get('/:id', async (context) => context.json(await user(context.req.param('id'))))
    app.route('/users', users)
    app.get('/kept', hot.cached(), (context) => context.json({ kept: true }))
    app.get('/broken', () => Promise.reject(new Error('broken')))
    app.onError((_error, context) => context.json({}, 500))
    const listener = getRequestListener(app.fetch)
    return listening(
      createServer((request, response) => void listener(request, response)),
      hot.close,
    )
  },
  async 'node:http'({ user, ...options }) {
    const hot = nodeHotpath(options)
    const users = hot.named('/users/:id', async ({ url = '' }, response) =>
      user(/\d+/.exec(url)?.[0] ?? '').then(
        (found) => send(response, 200, found),
        () => send(response, 500, {}),
      ),
    )
    const kept = hot.cached({ route: '/kept' }, (_request, response) =>
      send(response, 200, { kept: true }),
    )
    const broken = hot.named('/broken', (_request, response) => send(response, 500, {}))
    const listenerOf = (url: string): Listener => {
      if (url.startsWith('/users/')) return users
      if (url === '/kept') return kept
      return url === '/broken' ? broken : (_request, response) => send(response, 404, {})
    }
    const handler = hot.handler((request, response) =>
      listenerOf(request.url ?? '')(request, response),
    )
    return listening(
      createServer((request, response) => void handler(request, response)),
      hot.close,
    )
  },
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
