import fastify, { type FastifyInstance } from 'fastify'
import { createClient } from 'redis'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, inject, test, vi } from 'vitest'
import {
  hotpath,
  type CachedRouteOptions,
  type CacheRequest,
} from '../../src/adapters/fastify/index.ts'
import { createCache } from '../../src/cache/index.ts'
import { fromNodeRedis, requestContext } from '../../src/index.ts'

let app: FastifyInstance
let runs = 0

async function open(options: Parameters<FastifyInstance['register']>[1] = {}): Promise<void> {
  runs = 0
  app = fastify()
  await app.register(hotpath, options)
}

const cached = (cache: CachedRouteOptions<CacheRequest> = {}) => ({
  config: { hotpath: { cache } },
})
const statusOf = async (url: string) => (await app.inject(url)).headers['cache-status']

afterEach(() => app.close())

describe('a handler', () => {
  test.each<[string, (reply: { send(value: unknown): unknown }) => unknown]>([
    ['returns a value', () => ({ runs })],
    ['returns a promise', async () => ({ runs })],
    ['returns the reply', (reply) => reply.send({ runs })],
    ['sends at once', (reply) => void reply.send({ runs })],
    ['sends later', (reply) => void setImmediate(() => reply.send({ runs }))],
    ['sends a text', (reply) => reply.send(JSON.stringify({ runs }))],
    ['sends bytes', (reply) => reply.send(Buffer.from(JSON.stringify({ runs })))],
  ])(
    'that %s is kept, and so it is for those who wait and for those who lead late',
    async (_, answer) => {
      // With Redis the first handler, too, is only run after a wait.
      const client = await createClient({ url: inject('redisUrl') }).connect()
      const redis = fromNodeRedis(client)
      const namespace = `handlers:${process.pid}:${Math.random()}`
      for (const cache of [{}, { redis, namespace, name: 'responses' }]) {
        await open({ cache })
        app.get('/page', cached(), (_request, reply) => {
          runs++
          return answer(reply)
        })
        const together = await Promise.all([1, 2, 3].map(() => app.inject('/page')))
        expect(together.map(({ body }) => body)).toEqual(Array(3).fill('{"runs":1}'))
        // What is for Redis is written behind the answer.
        const written = () => app.hotpath.responseCache?.stats().cache.redis?.writes ?? 1
        await vi.waitUntil(() => written() === 1, { timeout: 15_000 })
        expect(await statusOf('/page')).toBe('hotpath; hit')
        expect(runs).toBe(1)
        await app.close()
      }
      client.destroy()
    },
  )

  test('sees the instance as `this`, and parameters, as without a cache', async () => {
    await open()
    app.decorate('shop', 'books')
    app.get('/items/:id', cached(), async function (this: FastifyInstance, request) {
      return { shop: (this as FastifyInstance & { shop: string }).shop, params: request.params }
    })
    expect((await app.inject('/items/7')).json()).toEqual({ shop: 'books', params: { id: '7' } })
  })

  test('that streams is passed through', async () => {
    await open()
    app.get('/page', cached(), (_request, reply) => {
      runs++
      return reply.type('text/plain').send(Readable.from(['a', 'b']))
    })
    for (let time = 1; time <= 2; time++) {
      const { body, headers } = await app.inject('/page')
      expect([body, headers['cache-status']]).toEqual([
        'ab',
        'hotpath; fwd=uri-miss; detail=stream',
      ])
      expect(runs).toBe(time)
    }
  })

  test('that takes the reply over leaves nobody waiting', async () => {
    await open()
    const gate = Promise.withResolvers<void>()
    app.get('/page', cached(), (_request, reply) => {
      runs++
      reply.hijack()
      void gate.promise.then(() => reply.raw.end('raw'))
    })
    const answers = [1, 2, 3].map(() => app.inject('/page'))
    await vi.waitUntil(() => runs === 1)
    gate.resolve()
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(['raw', 'raw', 'raw'])
    expect(runs).toBe(3)
  })

  test('that leaves it to the app to say that there is nothing is kept like any other 404', async () => {
    await open()
    app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'nothing here' }))
    const handler = (_request: unknown, reply: { callNotFound(): unknown }) => {
      runs++
      reply.callNotFound()
    }
    app.get('/kept', cached({ notFoundTtlMs: 1_000 }), handler)
    app.get('/page', cached(), handler)
    for (const [url, expected] of [
      ['/kept', 1],
      ['/page', 3],
    ] as const) {
      const answers = await Promise.all([1, 2].map(() => app.inject(url)))
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 404])
      expect([url, runs]).toEqual([url, expected])
    }
  })

  test('that takes too long is answered by Fastify, and so is who waits for it', async () => {
    runs = 0
    app = fastify({ handlerTimeout: 50 })
    await app.register(hotpath)
    app.get('/page', cached(), () => new Promise(() => {}))
    const answers = await Promise.all([1, 2].map(() => app.inject('/page')))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([503, 503])
  })
})

describe('hooks', () => {
  test('that other plugins add to the route later still come before a hit', async () => {
    await open()
    app.addHook('onRoute', (route) => {
      route.preHandler = [
        route.preHandler ?? [],
        async (
          request: { headers: { 'x-key'?: string } },
          reply: { code(n: number): { send(): unknown } },
        ) => (request.headers['x-key'] === 'secret' ? undefined : reply.code(401).send()),
      ].flat() as NonNullable<typeof route.preHandler>
    })
    app.get('/page', cached(), async () => 'inside')
    const ask = (key: string) => app.inject({ url: '/page', headers: { 'x-key': key } })
    for (let time = 0; time < 2; time++) expect((await ask('secret')).body).toBe('inside')
    expect((await ask('guess')).statusCode).toBe(401)
  })

  test('of the route itself come before a hit as well', async () => {
    await open()
    const refuseAll = { isOn: false }
    const guard = async (_: unknown, reply: { code(n: number): { send(): unknown } }) =>
      refuseAll.isOn ? reply.code(401).send() : undefined
    for (const hook of ['onRequest', 'preValidation', 'preHandler']) {
      app.get(`/${hook}`, { ...cached(), [hook]: guard }, async () => 'inside')
      app.get(
        `/${hook}/public`,
        { ...cached({ isPublic: true }), [hook]: guard },
        async () => 'inside',
      )
    }
    const outcomes = async () => {
      const found: Record<string, number> = {}
      for (const hook of ['onRequest', 'preValidation', 'preHandler']) {
        for (const url of [`/${hook}`, `/${hook}/public`])
          found[url] = (await app.inject(url)).statusCode
      }
      return found
    }
    expect(new Set(Object.values(await outcomes()))).toEqual(new Set([200]))
    refuseAll.isOn = true
    expect(await outcomes()).toEqual({
      '/onRequest': 401,
      '/onRequest/public': 401,
      '/preValidation': 401,
      '/preValidation/public': 200,
      '/preHandler': 401,
      '/preHandler/public': 200,
    })
  })

  test('after the response, and the log, see a hit like any other answer', async () => {
    const lines: string[] = []
    app = fastify({ logger: { stream: { write: (line: string) => void lines.push(line) } } })
    await app.register(hotpath)
    const seen: number[] = []
    app.addHook('onResponse', async (_request, reply) => void seen.push(reply.statusCode))
    app.get('/page', cached(), async () => 'page')
    await app.inject('/page')
    const { etag } = (await app.inject('/page')).headers
    await app.inject({ url: '/page', headers: { 'if-none-match': String(etag) } })
    await vi.waitUntil(() => seen.length === 3)
    expect(seen).toEqual([200, 200, 304])
    expect(lines.filter((line) => line.includes('request completed'))).toHaveLength(3)
  })

  test('that answer a conditional request themselves do not keep the response from being stored', async () => {
    await open()
    app.addHook('onSend', async (request, reply, payload) => {
      reply.header('etag', '"mine"')
      if (request.headers['if-none-match'] !== '"mine"') return payload
      reply.code(304)
      return ''
    })
    app.get('/page', cached(), async () => 'page')
    const ask = () => app.inject({ url: '/page', headers: { 'if-none-match': '"mine"' } })
    expect((await ask()).statusCode).toBe(304)
    const hit = await ask()
    expect([hit.statusCode, hit.headers['cache-status']]).toEqual([304, 'hotpath; hit'])
    expect((await app.inject('/page')).body).toBe('page')
  })
})

describe('keys', () => {
  test('a client cannot hide a parameter from the key, nor a path in the host', async () => {
    await open()
    app.get('/q', cached({ query: ['tag'], isPublic: true }), async (request) => request.query)
    app.get('/api/q', cached(), async () => ({ api: true }))
    expect((await app.inject('/q?%74ag=evil')).json()).toEqual({ tag: 'evil' })
    expect((await app.inject('/q')).json()).toEqual({})
    const poisoned = await app.inject({ url: '/q', headers: { host: 'localhost:80/api' } })
    expect(poisoned.json()).toEqual({})
    expect((await app.inject('/api/q')).json()).toEqual({ api: true })
  })

  test('routes with other constraints are other routes', async () => {
    await open()
    for (const version of ['1.0.0', '2.0.0']) {
      app.get('/page', { ...cached(), constraints: { version } }, async () => ({ version }))
    }
    for (const version of ['1.0.0', '2.0.0', '1.0.0', '2.0.0']) {
      const answer = await app.inject({ url: '/page', headers: { 'accept-version': version } })
      expect(answer.json()).toEqual({ version })
    }
  })

  test('defaults and types that a schema fills in are the handler’s, on a public route too', async () => {
    await open()
    const querystring = { type: 'object', properties: { page: { type: 'integer', default: 1 } } }
    app.get(
      '/q',
      { ...cached({ query: ['page'], isPublic: true }), schema: { querystring } },
      async ({ query }) => {
        runs++
        return query
      },
    )
    for (const url of ['/q', '/q', '/q?page=2', '/q?page=2']) await app.inject(url)
    expect(runs).toBe(2)
    expect((await app.inject('/q?page=2')).json()).toEqual({ page: 2 })
  })
})

describe('the plugin', () => {
  test('shares a cache with other values, and leaves it open', async () => {
    await using cache = createCache()
    await open({ cache: { cache } })
    app.get('/page', cached({ tags: () => ['both'] }), async () => ({ run: ++runs }))
    await cache.set('value', 1, { tags: ['both'] })
    await app.inject('/page')
    expect(await statusOf('/page')).toBe('hotpath; hit')
    await cache.invalidateTags(['both'])
    expect((await app.inject('/page')).json()).toEqual({ run: 2 })
    await app.close()
    expect(await cache.get('value')).toBeUndefined()
  })

  test('responses are shared through Redis, and forgotten in all processes', async () => {
    const client = await createClient({ url: inject('redisUrl') }).connect()
    const cache = { redis: fromNodeRedis(client), namespace: `shared:${Math.random()}` }
    const apps = await Promise.all(
      [1, 2].map(async (number) => {
        const one = fastify()
        await one.register(hotpath, { cache: { ...cache, name: 'responses' } })
        one.get('/page', cached({ tags: () => ['page'] }), async () => ({
          from: number,
          run: ++runs,
        }))
        return one
      }),
    )
    app = apps[0] as FastifyInstance
    const other = apps[1] as FastifyInstance
    runs = 0
    const first = await app.inject('/page')
    await vi.waitUntil(async () => (await other.inject('/page')).body === first.body)
    const hit = await other.inject('/page')
    expect(hit.headers).toMatchObject({
      'cache-status': 'hotpath; hit',
      etag: first.headers['etag'],
    })
    const head = await other.inject({ method: 'HEAD', url: '/page' })
    expect(head.headers['content-length']).toBe(String(first.rawPayload.length))
    const runsSoFar = runs
    await other.hotpath.invalidateTags(['page'])
    expect((await app.inject('/page')).json()).toEqual({ from: 1, run: runsSoFar + 1 })
    await other.close()
    client.destroy()
  })

  test('warns of a route that was declared before it had loaded', async () => {
    app = fastify()
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    void app.register(hotpath)
    app.get('/early', cached(), async () => 'early')
    await app.inject('/early')
    await app.inject('/early')
    const warnings = warned.mock.calls.filter(([text]) => String(text).includes('/early'))
    warned.mockRestore()
    expect(warnings).toHaveLength(1)
  })

  test('with `cache: false` runs every route without', async () => {
    await open({ cache: false })
    app.get('/page', cached(), async (_request, reply) => {
      runs++
      reply.cacheTags(['tag'])
      return 'page'
    })
    for (let time = 0; time < 2; time++) expect(await statusOf('/page')).toBeUndefined()
    await app.hotpath.invalidateTags(['tag'])
    expect(runs).toBe(2)
    expect(app.hotpath.responseCache).toBeUndefined()
  })

  test('opens a request context with a trace when it is asked to', async () => {
    await open({ maxTraceEntries: 10 })
    await using cache = createCache({ name: 'users' })
    app.post('/users/:id', async (request) => {
      await cache.getOrSet('key', () => 1)
      const context = requestContext()
      return { body: request.body, route: context?.route, trace: context?.trace?.entries }
    })
    const answer = await app.inject({ method: 'POST', url: '/users/7', body: { name: 'Ada' } })
    expect(answer.json()).toMatchObject({
      body: { name: 'Ada' },
      route: '/users/:id',
      trace: [{ kind: 'cache', cache: 'users', verdict: 'miss' }],
    })
  })

  test('refuses options that it does not know', async () => {
    app = fastify()
    await expect(app.register(hotpath, { caches: {} } as object)).rejects.toThrow(
      "no option 'caches'",
    )
  })
})
