import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createServer } from 'node:http'
import { taskRoutes as expressRoutes } from '../../src/adapters/express/index.ts'
import { taskRoutes as fastifyRoutes } from '../../src/adapters/fastify/index.ts'
import { taskRoutes as honoRoutes } from '../../src/adapters/hono/index.ts'
import {
  taskRoutes as nodeRoutes,
  type ServedTask,
  type ServedTasks,
} from '../../src/adapters/node/index.ts'
import { listening, type ListeningServer } from './listening.ts'

/** What the app of each framework is made with. */
export interface TaskServerGiven {
  readonly tasks: ServedTasks & {
    enqueue(name: string, input: unknown): Promise<{ readonly id: string }>
  }
  readonly pollMs?: number
  readonly heartbeatMs?: number
  readonly maxListeners?: number
  /** Of the `authorization` of the request. */
  canAccess?(user: string | undefined, task: ServedTask): boolean | 403 | Promise<boolean | 403>
}

export interface TaskServer extends ListeningServer {
  /** Ends the streams of events. */
  endEvents(): void
}

/**
 * The same app on each framework: `POST /work/:name` enqueues a task of that name, `GET /other` is a
 * route of the app's own, and each answer has a header of the app.
 */
export const taskServers: Readonly<
  Record<string, (given: TaskServerGiven) => Promise<TaskServer>>
> = {
  async fastify({ tasks, canAccess, ...options }) {
    const app = fastify()
    app.addHook('onRequest', async (_request, reply) => void reply.header('x-app', 'here'))
    const routes = fastifyRoutes(tasks, {
      ...options,
      path: '/api/tasks',
      canAccess: canAccess && (({ headers }, task) => canAccess(headers.authorization, task)),
    })
    await app.register(routes, { prefix: '/api' })
    app.post('/work/:name', async (request, reply) => {
      const { name } = request.params as { name: string }
      const { id } = await tasks.enqueue(name, { from: 'fastify' })
      return routes.accept(reply, id)
    })
    app.get('/other', () => 'other')
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    // Its own hook ends the events when it is closed.
    return { url, endEvents: () => void app.close(), close: () => app.close() }
  },

  async express({ tasks, canAccess, ...options }) {
    const app = express()
    const routes = expressRoutes(tasks, {
      ...options,
      path: '/api/tasks',
      canAccess: canAccess && (({ headers }, task) => canAccess(headers.authorization, task)),
    })
    app.use((_request, response, next) => {
      response.setHeader('x-app', 'here')
      next()
    })
    app.use('/api', routes)
    app.post('/work/:name', async (request, response) => {
      const { id } = await tasks.enqueue(request.params.name, { from: 'express' })
      routes.accept(response, id)
    })
    app.get('/other', (_request, response) => void response.send('other'))
    const page: express.ErrorRequestHandler = (_error, _request, response, _next) => {
      response.status(500).end()
    }
    app.use(page)
    return { ...(await listening(createServer(app), async () => {})), endEvents: routes.close }
  },

  async hono({ tasks, canAccess, ...options }) {
    const app = new Hono()
    const routes = honoRoutes(tasks, {
      ...options,
      path: '/api/tasks',
      canAccess: canAccess && (({ req }, task) => canAccess(req.header('authorization'), task)),
    })
    app.use(async (context, next) => {
      context.header('x-app', 'here')
      await next()
    })
    app.use(routes)
    app.post('/work/:name', async (context) => {
      const { id } = await tasks.enqueue(context.req.param('name'), { from: 'hono' })
      return routes.accept(context, id)
    })
    app.get('/other', (context) => context.text('other'))
    app.onError((_error, context) => context.text('', 500))
    const listener = getRequestListener(app.fetch)
    const server = createServer((request, response) => void listener(request, response))
    return { ...(await listening(server, async () => {})), endEvents: routes.close }
  },

  async 'node:http'({ tasks, canAccess, ...options }) {
    const routes = nodeRoutes(tasks, {
      ...options,
      path: '/api/tasks',
      canAccess: canAccess && (({ headers }, task) => canAccess(headers.authorization, task)),
    })
    const server = createServer((request, response) => {
      response.setHeader('x-app', 'here')
      const answer = async () => {
        if (await routes.handle(request, response)) return
        if (request.url === '/other') return void response.end('other')
        const { id } = await tasks.enqueue(request.url?.slice('/work/'.length) ?? '', {})
        routes.accept(response, id)
      }
      answer().catch(() => response.writeHead(500).end())
    })
    return { ...(await listening(server, async () => {})), endEvents: routes.close }
  },
}
