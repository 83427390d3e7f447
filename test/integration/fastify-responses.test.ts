import fastify, { type FastifyInstance } from 'fastify'
import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  hotpath,
  type CachedRouteOptions,
  type CacheRequest,
} from '../../src/adapters/fastify/index.ts'
import { createManualClock } from '../../src/core/index.ts'

const clock = createManualClock()
let app: FastifyInstance
let runs = 0

/** An app with one cached route `/page` that counts its runs. */
async function open(
  cache: CachedRouteOptions<CacheRequest> = {},
  answer: (runs: number) => unknown = (run) => ({ run }),
): Promise<FastifyInstance> {
  runs = 0
  app = fastify()
  await app.register(hotpath, { cache: { clock, ttlMs: 60_000 } })
  app.get('/page', { config: { hotpath: { cache } } }, async (_request, reply) => {
    runs++
    return answerOf(await answer(runs), reply)
  })
  return app
}

function answerOf(answer: unknown, reply: { code(status: number): unknown }): unknown {
  if (typeof answer === 'object' && answer !== null && 'status' in answer) {
    reply.code(Number(answer.status))
  }
  return answer
}

afterEach(() => app.close())

describe('a cached route', () => {
  test('answers the second request with the bytes, headers and entity tag of the first', async () => {
    await open()
    const first = await app.inject('/page')
    const second = await app.inject('/page')
    expect(runs).toBe(1)
    expect(second.rawPayload).toEqual(first.rawPayload)
    expect(second.headers['content-type']).toBe(first.headers['content-type'])
    expect(second.headers['etag']).toBe(first.headers['etag'])
    expect(first.headers['cache-status']).toBe('hotpath; fwd=uri-miss; stored')
    expect(second.headers['cache-status']).toBe('hotpath; hit')
    clock.advance(3_000)
    expect((await app.inject('/page')).headers['age']).toBe('3')
  })

  test('runs the handler again when the time is up', async () => {
    await open({ ttlMs: 1_000 })
    await app.inject('/page')
    clock.advance(999)
    await app.inject('/page')
    expect(runs).toBe(1)
    clock.advance(1)
    expect((await app.inject('/page')).json()).toEqual({ run: 2 })
  })

  test('answers 304 to who has the bytes already, from the handler and from the cache', async () => {
    await open({}, () => ({ same: true }))
    const etag = String((await app.inject('/page')).headers['etag'])
    for (const value of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
      const answer = await app.inject({ url: '/page', headers: { 'if-none-match': value } })
      expect([value, answer.statusCode, answer.body]).toEqual([value, 304, ''])
    }
    const other = await app.inject({ url: '/page', headers: { 'if-none-match': '"other"' } })
    expect(other.statusCode).toBe(200)
    await app.hotpath.responseCache?.cache.delete('nothing')
    clock.advance(60_000)
    const again = await app.inject({ url: '/page', headers: { 'if-none-match': etag } })
    expect([again.statusCode, runs]).toEqual([304, 2])
  })

  test('answers HEAD from what GET has left', async () => {
    await open()
    const full = await app.inject('/page')
    const head = await app.inject({ method: 'HEAD', url: '/page' })
    expect(head.body).toBe('')
    expect(head.headers['content-length']).toBe(String(full.rawPayload.length))
    expect(head.headers['etag']).toBe(full.headers['etag'])
    expect(runs).toBe(1)
  })

  test('runs its handler once for all who ask meanwhile, over real sockets', async () => {
    const gate = Promise.withResolvers<void>()
    await open({}, async (run) => (await gate.promise, { run }))
    const base = await app.listen({ port: 0, host: '127.0.0.1' })
    const answers = Array.from({ length: 50 }, () => fetch(`${base}/page`))
    await vi.waitUntil(() => runs === 1)
    gate.resolve()
    const bodies = await Promise.all(answers.map(async (answer) => (await answer).json()))
    expect(bodies).toEqual(Array.from({ length: 50 }, () => ({ run: 1 })))
  })

  test('keeps queries apart, whatever their order, and leaves out those that do not count', async () => {
    await open({ query: ['tag', 'page'] })
    await app.inject('/page?tag=a&page=1')
    await app.inject('/page?page=1&tag=a&utm=x')
    expect(runs).toBe(1)
    for (const url of ['/page', '/page?tag=a', '/page?tag=b&page=1']) await app.inject(url)
    expect(runs).toBe(4)
  })
})

describe('what is not kept', () => {
  test.each<[string, (reply: Record<string, string>) => void]>([
    ['Set-Cookie', (headers) => (headers['set-cookie'] = 'session=1')],
    ['private', (headers) => (headers['cache-control'] = 'private, max-age=60')],
    ['no-store', (headers) => (headers['cache-control'] = 'no-store')],
    ['max-age=0', (headers) => (headers['cache-control'] = 'max-age=0')],
    ['Vary: *', (headers) => (headers['vary'] = '*')],
    ['Vary: Cookie', (headers) => (headers['vary'] = 'Cookie')],
  ])('a response with %s', async (_, set) => {
    runs = 0
    app = fastify()
    await app.register(hotpath)
    const headers: Record<string, string> = {}
    set(headers)
    app.get('/page', { config: { hotpath: { cache: {} } } }, async (_request, reply) => {
      runs++
      return reply.headers(headers).send({ runs })
    })
    await app.inject('/page')
    const second = await app.inject('/page')
    expect(runs).toBe(2)
    expect(second.headers['cache-status']).toMatch(/^hotpath; fwd=uri-miss; detail=/)
  })

  test('errors, and what is missing unless the route says so', async () => {
    await open({}, () => ({ status: 404 }))
    await app.inject('/page')
    await app.inject('/page')
    expect(runs).toBe(2)
    await app.close()
    await open({ notFoundTtlMs: 1_000 }, () => ({ status: 404 }))
    await app.inject('/page')
    expect((await app.inject('/page')).statusCode).toBe(404)
    expect(runs).toBe(1)
    await app.close()
    await open({ notFoundTtlMs: 1_000 }, () => {
      throw new Error('broken')
    })
    expect((await app.inject('/page')).statusCode).toBe(500)
    expect((await app.inject('/page')).statusCode).toBe(500)
    expect(runs).toBe(2)
  })

  test('what belongs to one request: its id, its cookies, its place of origin, its limits', async () => {
    await open()
    let id = 0
    app.addHook('onRequest', async (request, reply) => {
      reply.header('x-request-id', `id-${++id}`)
      reply.header('access-control-allow-origin', request.headers.origin ?? '*')
      reply.header('ratelimit', `"default";r=${100 - id}`)
    })
    await app.inject({ url: '/page', headers: { origin: 'https://one.example' } })
    const hit = await app.inject({ url: '/page', headers: { origin: 'https://two.example' } })
    expect(hit.headers).toMatchObject({
      'cache-status': 'hotpath; hit',
      'x-request-id': 'id-2',
      'access-control-allow-origin': 'https://two.example',
      ratelimit: '"default";r=98',
    })
  })
})

describe('who may see it', () => {
  const users: Record<string, string> = { 'Bearer ada': 'ada', 'Bearer grace': 'grace' }

  async function withLogin(hook: 'onRequest' | 'preValidation' | 'preHandler', isLate: boolean) {
    runs = 0
    app = fastify()
    const addLogin = () => {
      app.decorateRequest('user', '')
      const login = async (
        request: { headers: { authorization?: string | undefined } },
        reply: { code(n: number): { send(body: object): unknown } },
      ) => {
        const user = users[request.headers.authorization ?? '']
        if (user === undefined) return reply.code(401).send({ error: 'who are you?' })
        Object.assign(request, { user })
        return undefined
      }
      if (hook === 'onRequest') app.addHook('onRequest', login)
      else if (hook === 'preValidation') app.addHook('preValidation', login)
      else app.addHook('preHandler', login)
    }
    if (!isLate) addLogin()
    await app.register(hotpath)
    const cached = (cache: CachedRouteOptions<CacheRequest>) => ({ config: { hotpath: { cache } } })
    const handler = async (request: object) => {
      runs++
      return { user: (request as { user: string }).user }
    }
    app.get(
      '/mine',
      cached({ key: (request) => `user:${(request as object as { user: string }).user}` }),
      handler,
    )
    app.get('/shared', cached({}), handler)
    if (isLate) addLogin()
  }

  test.each([
    ['onRequest', false],
    ['onRequest', true],
    ['preValidation', false],
    ['preHandler', false],
    ['preHandler', true],
  ] as const)(
    'a hit never goes around a login in %s (declared after the route: %s)',
    async (hook, isLate) => {
      await withLogin(hook, isLate)
      const as = (user: string, url: string) =>
        app.inject({ url, headers: { authorization: `Bearer ${user}` } })
      for (const user of ['ada', 'grace', 'ada', 'grace']) {
        expect((await as(user, '/mine')).json()).toEqual({ user })
      }
      expect(runs).toBe(2)
      expect((await as('eve', '/mine')).statusCode).toBe(401)
      expect((await app.inject('/mine')).statusCode).toBe(401)
    },
  )

  test('without a key that names the user, nothing is shared between those who are logged in', async () => {
    await withLogin('preHandler', false)
    for (const user of ['ada', 'grace']) {
      const answer = await app.inject({
        url: '/shared',
        headers: { authorization: `Bearer ${user}` },
      })
      expect(answer.json()).toEqual({ user })
      expect(answer.headers['cache-status']).toBe('hotpath; fwd=bypass')
    }
    expect(runs).toBe(2)
  })

  test('a route that says it is public is shared whoever asks', async () => {
    await open({ isPublic: true })
    await app.inject({ url: '/page', headers: { cookie: 'session=1' } })
    await app.inject({ url: '/page', headers: { authorization: 'Bearer ada' } })
    expect(runs).toBe(1)
  })
})

describe('invalidation', () => {
  test('the next read after it runs the handler, for the tags of the request and of the answer', async () => {
    runs = 0
    app = fastify()
    await app.register(hotpath)
    app.get<{ Params: { id: string } }>(
      '/lists/:id',
      { config: { hotpath: { cache: { tags: ({ params }) => [`list:${params.id}`] } } } },
      async (_request, reply) => {
        runs++
        reply.cacheTags(['author:7'])
        return { runs }
      },
    )
    for (const [tag, expected] of [
      ['list:1', 2],
      ['author:7', 3],
      ['list:2', 3],
    ] as const) {
      await app.inject('/lists/1')
      await app.hotpath.invalidateTags([tag])
      await app.inject('/lists/1')
      expect([tag, runs]).toEqual([tag, expected])
    }
  })

  test.each([
    ['given with the route', { tags: () => ['tag'] }, false],
    ['named by the answer', {}, true],
  ])('what was read before it is not kept: a tag %s', async (_, cache, isLate) => {
    runs = 0
    app = fastify()
    await app.register(hotpath)
    const gate = Promise.withResolvers<void>()
    let data = 'old'
    app.get('/page', { config: { hotpath: { cache } } }, async (_request, reply) => {
      const read = data
      runs++
      if (runs === 1) await gate.promise
      if (isLate) reply.cacheTags(['tag'])
      return { read }
    })
    const early = app.inject('/page')
    await vi.waitUntil(() => runs === 1)
    data = 'new'
    await app.hotpath.invalidateTags(['tag'])
    const later = app.inject('/page')
    gate.resolve()
    expect((await early).json()).toEqual({ read: 'old' })
    expect((await later).json()).toEqual({ read: 'new' })
    expect((await app.inject('/page')).json()).toEqual({ read: 'new' })
  })
})

describe('trouble', () => {
  test('a client that goes away takes nothing from the others', async () => {
    const gate = Promise.withResolvers<void>()
    await open({}, async (run) => (await gate.promise, { run }))
    let arrived = 0
    app.addHook('onRequest', async () => void arrived++)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const gone = httpRequest({ host: '127.0.0.1', port, path: '/page' })
    gone.on('error', () => {})
    gone.end()
    await vi.waitUntil(() => runs === 1)
    const others = Array.from({ length: 5 }, () => fetch(`http://127.0.0.1:${port}/page`))
    gone.destroy()
    await vi.waitUntil(() => arrived === 6)
    gate.resolve()
    for (const other of others) expect(await (await other).json()).toEqual({ run: 1 })
    expect(runs).toBe(1)
  })

  test('a handler that fails fails for its own request, and the others are not left waiting', async () => {
    const gate = Promise.withResolvers<void>()
    await open({}, async (run) => {
      await gate.promise
      if (run === 1) throw new Error('the first fails')
      return { run }
    })
    const answers = Array.from({ length: 4 }, () => app.inject('/page'))
    await vi.waitUntil(() => runs === 1)
    gate.resolve()
    const statuses = (await Promise.all(answers)).map(({ statusCode }) => statusCode)
    expect(statuses.filter((status) => status === 500)).toHaveLength(1)
    expect(statuses.filter((status) => status === 200)).toHaveLength(3)
  })

  test('the app is closed while handlers run: they answer, and nothing holds on', async () => {
    const gate = Promise.withResolvers<void>()
    await open({}, async (run) => (await gate.promise, { run }))
    const base = await app.listen({ port: 0, host: '127.0.0.1' })
    const answer = fetch(`${base}/page`)
    await vi.waitUntil(() => runs === 1)
    const closed = app.close()
    gate.resolve()
    expect(await (await answer).json()).toEqual({ run: 1 })
    await closed
  })

  test('a route that cannot be cached is refused when it is declared', async () => {
    app = fastify()
    await app.register(hotpath)
    const declare =
      (cache: object, method: 'GET' | 'POST' = 'GET') =>
      () =>
        app.route({
          method,
          url: '/page',
          config: { hotpath: { cache } },
          handler: async () => ({}),
        })
    expect(declare({}, 'POST')).toThrow(
      expect.objectContaining({ code: 'HOTPATH_HTTP_ROUTE_INVALID' }),
    )
    expect(declare({ isPublic: true, key: () => 'k' })).toThrow(/isPublic/)
    expect(declare({ ttl: 60 })).toThrow(
      expect.objectContaining({ code: 'HOTPATH_OPTION_INVALID' }),
    )
    expect(declare(true as unknown as object)).toThrow(
      expect.objectContaining({
        code: 'HOTPATH_OPTION_INVALID',
        message: expect.stringContaining('the cache of route /page must be an options object'),
      }),
    )
  })
})
