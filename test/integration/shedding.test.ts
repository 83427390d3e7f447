import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { hotpath as hotpathExpress } from '../../src/adapters/express/index.ts'
import { hotpath as hotpathFastify } from '../../src/adapters/fastify/index.ts'
import { hotpath as hotpathHono } from '../../src/adapters/hono/index.ts'
import { hotpath as hotpathNode, type ShedOptions } from '../../src/adapters/node/index.ts'
import type { Shedder } from '../../src/http/index.ts'
import { ask, open } from '../conformance/adapters/client.ts'

/** What a handler answers with, when it does. */
type Handler = () => Promise<string>

interface Running {
  readonly port: number
  readonly shedder: Shedder
  close(): Promise<unknown>
}

/** An app whose `/page` and `/health` are answered by the handler. */
type Build = (shed: ShedOptions, handler: Handler) => Promise<Running>

const paths = ['/page', '/health']

const builds: Record<string, Build> = {
  async fastify(shed, handler) {
    const app = fastify()
    await app.register(hotpathFastify, { cache: false, shed })
    for (const path of paths) app.get(path, handler)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const close = async () => {
      app.server.closeAllConnections()
      await app.close()
    }
    return { port, shedder: shedderOf(app.hotpath), close }
  },
  async express(shed, handler) {
    const app = express()
    const hot = hotpathExpress({ cache: false, shed })
    app.use(hot)
    app.get(paths, async (_request, response) => void response.send(await handler()))
    app.use(((_error, _request, response, _next) => {
      response.status(500).end()
    }) satisfies express.ErrorRequestHandler)
    return running(createServer(app), hot)
  },
  async hono(shed, handler) {
    const app = new Hono()
    const hot = hotpathHono({ cache: false, shed })
    app.use(hot)
    for (const path of paths) app.get(path, async (context) => context.text(await handler()))
    app.onError((_error, context) => context.text('broken', 500))
    return running(serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server, hot)
  },
  async 'node:http'(shed, handler) {
    const hot = hotpathNode({ cache: false, shed })
    const listener = hot.handler(async (_request, response) => {
      await handler().then(
        (text) => response.end(text),
        () => response.writeHead(500).end(),
      )
    })
    return running(createServer(listener), hot)
  },
}

function shedderOf({ shedder }: { readonly shedder: Shedder | undefined }): Shedder {
  if (shedder === undefined) throw new Error('the app sheds no load')
  return shedder
}

async function running(
  server: Server,
  hot: { readonly shedder: Shedder | undefined; close(): Promise<void> },
): Promise<Running> {
  if (!server.listening) {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  }
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await hot.close()
  }
  return { port, shedder: shedderOf(hot), close }
}

/** A handler that answers when it is let. */
function gate() {
  const waiting: PromiseWithResolvers<string>[] = []
  const handler: Handler = () => {
    const answer = Promise.withResolvers<string>()
    waiting.push(answer)
    return answer.promise
  }
  return { waiting, handler }
}

describe.each(Object.entries(builds))('%s', (_name, build) => {
  const opened: Running[] = []
  afterEach(async () => {
    for (const app of opened.splice(0)) await app.close()
  })
  const start = async (shed: ShedOptions, handler: Handler): Promise<Running> => {
    const app = await build(shed, handler)
    opened.push(app)
    return app
  }

  test('a request without room gets a 503 that says why and when to come again', async () => {
    const { waiting, handler } = gate()
    const { port, shedder } = await start({ maxInFlight: 1, retryAfterMs: 1_500 }, handler)
    const first = open(port)
    await vi.waitFor(() => expect(waiting).toHaveLength(1))

    const refused = await ask(port)
    expect(refused.status).toBe(503)
    expect(refused.headers['content-type']).toBe('application/problem+json')
    expect(Number(refused.headers['content-length'])).toBe(refused.body.length)
    expect(refused.headers['retry-after']).toMatch(/^[2-5]$/)
    expect(JSON.parse(refused.text)).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
      title: 'Request cannot be satisfied due to temporary server capacity constraints',
      status: 503,
    })
    const head = await ask(port, { method: 'HEAD' })
    expect([head.status, head.text]).toEqual([503, ''])
    expect(waiting).toHaveLength(1)

    waiting[0]?.resolve('page')
    expect((await first.response).statusCode).toBe(200)
    await vi.waitFor(() => expect(shedder.stats().inFlight).toBe(0))
    expect(shedder.stats()).toMatchObject({
      admitted: { normal: 1 },
      refused: { normal: 2 },
      ended: { completed: 1, failed: 0, aborted: 0 },
    })
  })

  test('a health route is always answered, whatever its query', async () => {
    const { waiting, handler } = gate()
    const { port } = await start({ maxInFlight: 1 }, handler)
    open(port).response.catch(() => {})
    await vi.waitFor(() => expect(waiting).toHaveLength(1))
    const health = ask(port, { path: '/health?deep=1' })
    await vi.waitFor(() => expect(waiting).toHaveLength(2))
    waiting[1]?.resolve('well')
    expect((await health).text).toBe('well')
    expect((await ask(port)).status).toBe(503)
  })

  test('the app says what is exempt, and what matters more', async () => {
    const { waiting, handler } = gate()
    const { port, shedder } = await start(
      {
        maxInFlight: 10,
        shares: { normal: 0.1 },
        exempt: ({ url }) => url === '/page?exempt',
        priority: ({ headers, method }) =>
          method === 'GET' && headers['x-plan'] === 'paid' ? 'critical' : 'normal',
      },
      handler,
    )
    open(port).response.catch(() => {})
    await vi.waitFor(() => expect(waiting).toHaveLength(1))
    expect((await ask(port)).status).toBe(503)
    const paid = ask(port, { headers: { 'x-plan': 'paid' } })
    await vi.waitFor(() => expect(waiting).toHaveLength(2))
    const exempt = ask(port, { path: '/page?exempt' })
    await vi.waitFor(() => expect(waiting).toHaveLength(3))
    for (const { resolve } of waiting) resolve('page')
    expect([(await paid).status, (await exempt).status]).toEqual([200, 200])
    expect(shedder.stats().admitted).toEqual({ critical: 1, normal: 1, background: 0 })
  })

  test('a client that goes away gives its place back, also where the handler never ends', async () => {
    const { waiting, handler } = gate()
    const { port, shedder } = await start({ maxInFlight: 1 }, handler)
    const { request, response } = open(port)
    response.catch(() => {})
    await vi.waitFor(() => expect(waiting).toHaveLength(1))
    request.destroy()
    await vi.waitFor(() => expect(shedder.stats().inFlight).toBe(0))
    expect(shedder.stats().ended).toEqual({ completed: 0, failed: 0, aborted: 1 })
    const next = ask(port)
    await vi.waitFor(() => expect(waiting).toHaveLength(2))
    waiting[1]?.resolve('page')
    expect((await next).status).toBe(200)
  })

  test('a handler that throws gives its place back', async () => {
    const { port, shedder } = await start({ maxInFlight: 1 }, async () => {
      throw new Error('on purpose')
    })
    for (let round = 0; round < 3; round++) {
      expect((await ask(port)).status).toBe(500)
      await vi.waitFor(() => expect(shedder.stats().inFlight).toBe(0))
    }
    expect(shedder.stats().ended).toEqual({ completed: 0, failed: 3, aborted: 0 })
  })

  test('an option that nobody knows is refused', async () => {
    const shed = { exampt: ['/x'] } as ShedOptions
    await expect(start(shed, async () => '')).rejects.toThrow(/exampt/)
  })
})

test('hono without node:http gives a place back when the handler has answered', async () => {
  const app = new Hono()
  const hot = hotpathHono({ cache: false, shed: { maxInFlight: 1 } })
  app.use(hot)
  app.get('/page', (context) => context.text('page'))
  app.get('/broken', () => {
    throw new Error('on purpose')
  })
  app.onError((_error, context) => context.text('broken', 500))
  for (const [path, status] of [
    ['/page', 200],
    ['/broken', 500],
    ['/page', 200],
  ] as const) {
    expect((await app.request(path)).status).toBe(status)
  }
  expect(hot.shedder?.stats()).toMatchObject({
    inFlight: 0,
    ended: { completed: 2, failed: 1, aborted: 0 },
  })
  await hot.close()
})
