import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import { parseList } from 'structured-headers'
import { components, listen } from '../../src/core/index.ts'
import { hotpath } from '../../src/adapters/fastify/index.ts'
import { createLimiter, type Decision } from '../../src/limit/index.ts'
import { headerOf, limitServers, type LimitPlan, type LimitServer } from './limit-servers.ts'

const opened: LimitServer[] = []
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close()
})

describe.each(Object.keys(limitServers))('limits on %s', (framework) => {
  async function start(
    plan: LimitPlan,
  ): Promise<(path?: string, init?: RequestInit) => Promise<Response>> {
    const server = await limitServers[framework]?.(plan)
    if (server === undefined) throw new Error(framework)
    opened.push(server)
    return (path = '/', init = {}) => fetch(server.url + path, init)
  }

  test('let requests through, and tell how many more', async () => {
    const get = await start({ limit: '3/minute' })
    const response = await get()
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('let through')
    expect(response.headers.get('retry-after')).toBeNull()
    expect(response.headers.get('x-ratelimit-limit')).toBeNull()
    expect(structured(response, 'ratelimit-policy')).toEqual([['3/minute', { q: 3, w: 60 }]])
    expect(structured(response, 'ratelimit')).toEqual([['3/minute', { r: 2, t: 20 }]])
  })

  test('refuse with problem details', async () => {
    const get = await start({ limit: '2/minute' })
    await get()
    await get()
    const response = await get()
    expect(response.status).toBe(429)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('retry-after')).toBe('30')
    expect(structured(response, 'ratelimit')).toEqual([['2/minute', { r: 0, t: 30 }]])
    expect(await response.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Request cannot be satisfied as assigned quota has been exceeded',
      status: 429,
      'violated-policies': ['2/minute'],
    })
  })

  test('answer a HEAD without a body, also what no route answers, and POST', async () => {
    const get = await start({ limit: '3/minute' })
    expect((await get('/', { method: 'HEAD' })).status).toBe(200)
    expect((await get('/nowhere')).headers.get('ratelimit')).toBe('"3/minute";r=1;t=40')
    await get('/', { method: 'POST' })
    const response = await get('/', { method: 'HEAD' })
    expect(response.status).toBe(429)
    expect(await response.text()).toBe('')
  })

  test('of several policies name the one that decides', async () => {
    const get = await start({ limit: '5/second and 2/hour' })
    expect((await get()).headers.get('ratelimit-policy')).toBe(
      '"5/second";q=5;w=1, "2/hour";q=2;w=3600',
    )
    await get()
    const response = await get()
    expect(response.headers.get('ratelimit')).toBe('"2/hour";r=0;t=1800')
    expect(response.headers.get('retry-after')).toBe('1800')
  })

  test('tell it in the old way where asked, or not at all', async () => {
    const get = await start({
      limit: { policy: '2/minute', headers: 'both' },
      own: { policy: '1/minute', headers: false },
    })
    const response = await get('/own')
    expect(response.headers.get('ratelimit')).toBe('"2/minute";r=1;t=30')
    expect(response.headers.get('x-ratelimit-limit')).toBe('2')
    expect(response.headers.get('x-ratelimit-remaining')).toBe('1')
    expect(response.headers.get('x-ratelimit-reset')).toBe('30')
    const refused = await get('/own')
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('60')
  })

  test('refuse in the words of the app', async () => {
    const answer = ({ retryAfterMs }: Decision) => ({
      status: 503,
      body: { wait: retryAfterMs > 0 },
    })
    const get = await start({ limit: { policy: '1/minute', answer } })
    await get()
    const response = await get()
    expect(response.status).toBe(503)
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(await response.json()).toEqual({ wait: true })
  })

  test('only report in shadow mode', async () => {
    const heard: object[] = []
    const stop = listen('hotpath:http:limit', (event) => heard.push(event))
    const get = await start({ limit: { policy: '1/minute', isShadow: true } })
    await get()
    const response = await get('/?a=b')
    stop()
    expect(response.status).toBe(200)
    expect(response.headers.get('ratelimit')).toBeNull()
    const all = { key: '127.0.0.1', policy: '1/minute', isShadow: true }
    expect(heard).toEqual([
      { ...all, url: '/', isAllowed: true },
      { ...all, url: '/?a=b', isAllowed: false },
    ])
  })

  test('go by a header, and by the address of who sends none', async () => {
    const get = await start({ limit: { policy: '1/minute', key: { header: 'X-Api-Key' } } })
    const as = async (key: string) => (await get('/', { headers: { 'x-api-key': key } })).status
    expect([await as('a'), await as('b'), await as('a'), await as('b')]).toEqual([
      200, 200, 429, 429,
    ])
    // A key that looks like an address is not that address.
    expect(await as('127.0.0.1')).toBe(200)
    expect((await get()).status).toBe(200)
    expect([(await get()).status, await as('')]).toEqual([429, 429])
  })

  test('go by what a function says: user, plan, weight', async () => {
    const plans = { free: createLimiter('2/minute'), paid: createLimiter('4/minute') }
    const get = await start({
      own: {
        key: (request) => headerOf(request, 'x-user'),
        cost: (request) => Number(headerOf(request, 'x-cost') ?? 1),
        limiter: (request) => plans[headerOf(request, 'x-plan') === 'paid' ? 'paid' : 'free'],
        skip: (request) => headerOf(request, 'x-user') === 'root',
      },
    })
    const as = async (headers: Record<string, string>) => (await get('/own', { headers })).status
    expect(await as({ 'x-user': 'ada', 'x-cost': '2' })).toBe(200)
    expect(await as({ 'x-user': 'ada' })).toBe(429)
    expect(await as({ 'x-user': 'eve' })).toBe(200)
    expect(await as({ 'x-user': 'ada', 'x-plan': 'paid', 'x-cost': '4' })).toBe(200)
    expect(await as({ 'x-user': 'ada', 'x-plan': 'paid' })).toBe(429)
    for (let time = 0; time < 4; time++) expect(await as({ 'x-user': 'root' })).toBe(200)
    const never = await get('/own', { headers: { 'x-user': 'zoe', 'x-cost': '9' } })
    expect(never.status).toBe(429)
    expect(never.headers.get('retry-after')).toBeNull()
    await Promise.all([plans.free.close(), plans.paid.close()])
  })

  test('answer with an error where a function throws, and go on', async () => {
    let isBroken = true
    const cost = () => {
      if (isBroken) throw new Error('no plan for this user')
      return 1
    }
    const get = await start({ own: { policy: '5/minute', cost } })
    if (framework !== 'node:http') expect((await get('/own')).status).toBe(500)
    isBroken = false
    expect((await get('/own')).status).toBe(200)
  })

  test('let clients of listed networks through', async () => {
    const get = await start({ trustProxy: 1, limit: { policy: '1/minute', allow: ['10.0.0.0/8'] } })
    const from = async (address: string) =>
      (await get('/', { headers: { 'x-forwarded-for': address } })).status
    expect([await from('10.1.1.1'), await from('10.1.1.1')]).toEqual([200, 200])
    expect([await from('11.1.1.1'), await from('11.1.1.1')]).toEqual([200, 429])
    expect([await from('2001:db8::1'), await from('2001:db8::2')]).toEqual([200, 429])
  })

  test('end with the app, those of routes too', async () => {
    const limiters = () => components().filter(({ kind }) => kind === 'limiter').length
    const before = limiters()
    await start({ limit: '1/minute', own: '1/minute' })
    expect(limiters()).toBe(before + 2)
    await opened.pop()?.close()
    expect(limiters()).toBe(before)
  })

  test('wait for a limiter that has to ask', async () => {
    const local = createLimiter('1/minute')
    const limiter = {
      policies: local.policies,
      take: async (key: string, cost?: number) => local.take(key, cost),
    }
    const get = await start({ limit: { limiter } })
    const [first, second] = [await get(), await get()]
    expect(await first.text()).toBe('let through')
    expect(first.headers.get('ratelimit')).toBe('"1/minute";r=0;t=60')
    expect(second.status).toBe(429)
    await local.close()
  })
})

describe('a Fastify route that is taken out of the limit', () => {
  const out = { hotpath: { limit: false as const } }

  async function check(app: FastifyInstance): Promise<void> {
    app.get('/', () => 'let through')
    const statusOf = async (url: string) => (await app.inject({ url })).statusCode
    expect([await statusOf('/health'), await statusOf('/health')]).toEqual([200, 200])
    expect([await statusOf('/'), await statusOf('/')]).toEqual([200, 429])
    expect(await statusOf('/health')).toBe(200)
    await app.close()
  }

  test('is declared after hotpath has loaded', async () => {
    const app = fastify()
    await app.register(hotpath, { cache: false, limit: '1/minute' })
    app.get('/health', { config: out }, () => 'well')
    await check(app)
  })

  test('is declared before', async () => {
    const app = fastify()
    app.get('/health', { config: out }, () => 'well')
    await app.register(hotpath, { cache: false, limit: '1/minute' })
    await check(app)
  })

  test('is taken out by a hook of another plugin', async () => {
    const app = fastify()
    await app.register(hotpath, { cache: false, limit: '1/minute' })
    app.addHook('onRoute', (routeOptions) => {
      if (routeOptions.url === '/health') routeOptions.config = out
    })
    app.get('/health', () => 'well')
    await check(app)
  })
})

test.each(['1/minute', { policy: '1/minute' }])(
  'Fastify routes with %j, written once, have a limit each, and HEAD that of its GET',
  async (limit) => {
    const app = fastify()
    await app.register(hotpath, { cache: false })
    const config = { hotpath: { limit } }
    app.get('/one', { config }, () => 'one')
    app.get('/other', { config }, () => 'other')
    const statusOf = async (method: 'GET' | 'HEAD', url: string) =>
      (await app.inject({ method, url })).statusCode
    expect([await statusOf('GET', '/one'), await statusOf('HEAD', '/one')]).toEqual([200, 429])
    expect([await statusOf('HEAD', '/other'), await statusOf('GET', '/other')]).toEqual([200, 429])
    await app.close()
  },
)

test.each([
  [{}, /needs a policy/],
  [{ policy: '1/s', limiter: createLimiter('1/s') }, /not both/],
  [{ limiter: {} }, /limit.limiter must be/],
  [{ policy: '1/s', key: 'user' }, /limit.key must be/],
  [{ policy: '1/s', key: { header: '' } }, /limit.key.header must be/],
  [{ policy: '1/s', cost: -1 }, /limit.cost must be/],
  [{ policy: '1/s', skip: true }, /limit.skip must be/],
  [{ policy: '1/s', allow: ['here'] }, /limit.allow must be/],
  [{ policy: '1/s', headers: 'all' }, /limit.headers must be/],
  [{ polcy: '1/s' }, /no option 'polcy'/],
  ['1 per second', /no rate limit policy/],
])('limit: %j is refused', async (limit, message) => {
  for (const start of Object.values(limitServers)) {
    await expect(start({ limit: limit as never })).rejects.toThrow(message)
  }
})

function structured(response: Response, name: string): unknown {
  const members = parseList(response.headers.get(name) ?? '')
  return members.map(([value, parameters]) => [value, Object.fromEntries(parameters)])
}
