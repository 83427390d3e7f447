import { serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono, type Context, type Handler as HonoHandler } from 'hono'
import { compress } from 'hono/compress'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { hotpath } from '../../src/adapters/hono/index.ts'
import { adapterConformance } from './adapters.ts'
import { broken, running, userOf, type Answer, type Handler } from './adapters/app.ts'
import { ask } from './adapters/client.ts'
import { hit, stored } from './adapters/suite.ts'

interface Environment {
  readonly Bindings: { readonly incoming: IncomingMessage }
  readonly Variables: { user: string | undefined }
}

adapterConformance('hono', (plan) => {
  const app = new Hono<Environment>()
  const hot = hotpath({ cache: { clock: plan.clock } })
  const userIn = (context: Context) => String(context.get('user') ?? '')

  app.use(hot)
  if (plan.gzip === 'before') app.use(compress({ threshold: 0 }))
  app.use(async (context, next) => {
    const { incoming } = context.env
    for (const [name, value] of Object.entries(plan.headersFor(incoming))) {
      context.header(name, value)
    }
    if (plan.hasLogin === true) {
      const user = userOf(incoming.headers)
      if (user === undefined) return context.text('who?', 401)
      context.set('user', user)
    }
    return next()
  })

  const answerWith =
    (handler: Handler): HonoHandler =>
    async (context) => {
      const { method } = context.req
      const headers = context.req.header()
      const addTags = (tags: readonly string[]) => hot.addTags(context, tags)
      return responseOf(context, await handler({ method, headers, user: userIn(context), addTags }))
    }

  const { isByUser, tags, ...rest } = plan.cache ?? {}
  const step = hot.cached({
    ...rest,
    ...(isByUser === true && { key: userIn }),
    ...(tags !== undefined && { tags: () => tags }),
  })
  if (plan.gzip === 'behind') {
    app.get('/page', step, compress({ threshold: 0 }), answerWith(plan.handler))
  } else {
    app.get('/page', step, answerWith(plan.handler))
  }
  app.all('/page', answerWith(plan.write ?? plan.handler))
  app.onError((_error, context) => context.text(broken, 500))

  return running(serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server, hot)
})

function responseOf(context: Context, { status = 200, headers, body }: Answer): Response {
  for (const [name, value] of Object.entries(headers ?? {})) context.header(name, value)
  context.status(status as Parameters<typeof context.status>[0])
  if (body === undefined) return context.body(null)
  if (typeof body === 'string') return context.body(body)
  if (Buffer.isBuffer(body)) return context.body(new Uint8Array(body))
  if ('pipe' in body) return context.body(Readable.toWeb(body) as ReadableStream)
  return context.body(
    new ReadableStream({
      start(controller) {
        for (const piece of body) controller.enqueue(piece)
        controller.close()
      },
    }),
  )
}

test('hono: without a server it is all the same', async () => {
  const app = new Hono()
  const hot = hotpath()
  app.get('/page', hot.cached(), (context) => context.text('page'))
  app.route('/mounted', app)
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await app.request(path, { headers })
    return [response.status, await response.text(), response.headers.get('cache-status')]
  }
  for (const path of ['/page', '/mounted/page']) {
    expect(await get(path, { 'if-none-match': '"other"' })).toEqual([200, 'page', stored])
    expect(await get(path)).toEqual([200, 'page', hit])
    expect(await get(path, { 'if-none-match': '*' })).toEqual([304, '', hit])
  }
  await hot.close()
})

test('hono: a handler that writes to the socket itself leaves nobody waiting', async () => {
  const app = new Hono<{ Bindings: { outgoing: ServerResponse } }>()
  const hot = hotpath()
  const gate = Promise.withResolvers<void>()
  app.get('/page', hot.cached(), async ({ env }) => {
    await gate.promise
    env.outgoing.end('raw')
    return RESPONSE_ALREADY_SENT
  })
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server
  const { port, close } = await running(server, hot)
  const answers = [ask(port), ask(port), ask(port)]
  gate.resolve()
  for (const answer of answers) expect((await answer).text).toBe('raw')
  await close()
})
