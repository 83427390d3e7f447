import fastify, { type FastifyRequest, type RouteHandlerMethod } from 'fastify'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { expect, test } from 'vitest'
import { hotpath } from '../../src/adapters/fastify/index.ts'
import { adapterConformance } from './adapters.ts'
import { broken, running, userOf, type Handler } from './adapters/app.ts'
import { hit } from './adapters/suite.ts'

adapterConformance('fastify', async (plan) => {
  const app = fastify()
  await app.register(hotpath, { cache: { clock: plan.clock } })
  const users = new WeakMap<FastifyRequest['raw'], string>()
  const userIn = ({ raw }: Pick<FastifyRequest, 'raw'>) => users.get(raw) ?? ''

  app.addHook('preHandler', async (request, reply) => {
    reply.headers(plan.headersFor(request.raw))
    if (plan.hasLogin !== true) return undefined
    const user = userOf(request.headers)
    if (user === undefined) return reply.code(401).send('who?')
    users.set(request.raw, user)
    return undefined
  })
  if (plan.gzip !== undefined) {
    app.addHook<unknown>('onSend', async (_request, reply, payload) => {
      if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload
      reply.removeHeader('content-length')
      reply.header('content-encoding', 'gzip').header('vary', 'accept-encoding')
      return promisify(gzip)(payload)
    })
  }

  const answerWith =
    (handler: Handler): RouteHandlerMethod =>
    async (request, reply) => {
      const { method, headers } = request
      const addTags = (tags: readonly string[]) => void reply.cacheTags(tags)
      const answer = await handler({ method, headers, user: userIn(request), addTags })
      const { status = 200, body } = answer
      reply.code(status).headers(answer.headers ?? {})
      return reply.send(Array.isArray(body) ? Readable.from(body, { objectMode: false }) : body)
    }

  const { isByUser, tags, ...rest } = plan.cache ?? {}
  const cache = {
    ...rest,
    ...(isByUser === true && { key: userIn }),
    ...(tags !== undefined && { tags: () => tags }),
  }
  app.get('/page', { config: { hotpath: { cache } } }, answerWith(plan.handler))
  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/page',
    handler: answerWith(plan.write ?? plan.handler),
  })
  app.setErrorHandler((_error, _request, reply) => reply.code(500).type('text/plain').send(broken))

  await app.listen({ host: '127.0.0.1', port: 0 })
  const { responseCache } = app.hotpath
  return running(app.server, {
    responseCache,
    invalidateTags: (tags) => app.hotpath.invalidateTags(tags),
    close: async () => responseCache?.close(),
  })
})

test('fastify: what an onSend hook of the app makes of a body is what is kept', async () => {
  const app = fastify()
  await app.register(hotpath)
  let runs = 0
  app.addHook('onSend', async (_request, _reply, payload) => `${String(payload)} ${++runs}`)
  app.get('/page', { config: { hotpath: { cache: {} } } }, async () => 'page')
  await app.inject('/page')
  const { body, headers } = await app.inject('/page')
  expect([body, headers['cache-status'], runs]).toEqual(['page 1', hit, 1])
  await app.close()
})
