import express from 'express'
import { Hono } from 'hono'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createSecureServer, get } from 'node:https'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { hotpath as expressHotpath } from '../../src/adapters/express/index.ts'
import { hotpath as honoHotpath } from '../../src/adapters/hono/index.ts'
import { hotpath as nodeHotpath } from '../../src/adapters/node/index.ts'
import { components } from '../../src/core/index.ts'
import { createBudgets, type Budgets } from '../../src/measure/index.ts'
import { createPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'
import { listening, type ListeningServer } from './listening.ts'
import { observeServers, type ObservePlan } from './observe-servers.ts'

const { url } = await useDatabase()
const pool = createPool(url, { maxConnections: 2 })
afterAll(() => pool.end())

const user = async (id: string) => ({ id, ...(await pool.query('select 1 as one')).rows[0] })
const shown = (budgets: Budgets) =>
  budgets.stats().budgets.map(({ subject, kind, samples }) => `${subject}, ${kind}: ${samples}`)

describe.each(Object.entries(observeServers))('%s', (_adapter, serve) => {
  const servers: ListeningServer[] = []
  const made: Budgets[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
    for (const budgets of made.splice(0)) await budgets.close()
  })
  function makeBudgets(): Budgets {
    const budgets = createBudgets({ minSamples: 2 })
    made.push(budgets)
    return budgets
  }
  async function start(
    plan: Partial<ObservePlan>,
  ): Promise<(path: string, headers?: Record<string, string>) => Promise<Response>> {
    const server = await serve({ user, ...plan })
    servers.push(server)
    return async (path, headers = {}) => {
      const response = await fetch(server.url + path, { headers })
      await response.arrayBuffer()
      return response
    }
  }

  test('a request is judged by its route, and by what has answered it', async () => {
    const budgets = makeBudgets()
    const get = await start({ budgets })
    for (const path of ['/users/1', '/users/2?full', '/kept', '/kept', '/kept']) await get(path)
    for (const path of ['/nowhere/1', '/nowhere/2']) await get(path)
    const expected = [
      'GET /users/:id, database: 2',
      'GET /kept, simple: 1',
      'GET /kept, cached: 2',
      'GET /kept, hit ratio: 3',
      'GET (no route), simple: 2',
    ]
    // A response is over a moment after its client has it.
    await vi.waitFor(() => expect(shown(budgets)).toEqual(expected))
    expect(budgets.stats().budgets[0]).toMatchObject({ state: 'met', budgetMs: 200 })
  })

  test('what has failed is not taken for a fast answer', async () => {
    const budgets = makeBudgets()
    const get = await start({ budgets })
    expect((await get('/broken')).status).toBe(500)
    await vi.waitFor(() => expect(shown(budgets)).toEqual(['GET /broken, simple: 0']))
  })

  test('what has failed in a router of its own is known by its whole pattern', async () => {
    const budgets = makeBudgets()
    const broken = () => Promise.reject(new Error('broken'))
    const get = await start({ budgets, user: broken })
    for (const path of ['/users/1', '/users/2']) expect((await get(path)).status).toBe(500)
    await vi.waitFor(() => expect(shown(budgets)).toEqual(['GET /users/:id, simple: 0']))
    expect(budgets.stats().requests[0]).toMatchObject({ method: 'GET', route: '/users/:id' })
  })

  test('durations are kept by the scheme, as a trusted proxy says', async () => {
    const schemes = (budgets: Budgets) =>
      budgets.stats().requests.map(({ scheme, durations }) => `${scheme}: ${durations.count}`)
    const headers = { 'x-forwarded-proto': 'https' }
    for (const { trustProxy, expected } of [
      { trustProxy: 1, expected: ['http: 1', 'https: 2'] },
      { trustProxy: false, expected: ['http: 3'] },
    ] as const) {
      const budgets = makeBudgets()
      const get = await start({ budgets, trustProxy })
      await get('/kept')
      for (let n = 0; n < 2; n++) await get('/kept', headers)
      await vi.waitFor(() => expect(schemes(budgets)).toEqual(expected))
    }
  })

  test('one whose client has gone counts where its budget was spent', async () => {
    const budgets = createBudgets({ databaseMs: 20 })
    made.push(budgets)
    const arrived = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const plan: ObservePlan = {
      budgets,
      user: async (id) => {
        await pool.query('select 1')
        arrived.resolve()
        await gate.promise
        return { id }
      },
    }
    const server = await serve(plan)
    servers.push(server)
    const aborted = new AbortController()
    const answer = fetch(`${server.url}/users/1`, { signal: aborted.signal })
    await arrived.promise
    const sinceMs = performance.now()
    await vi.waitUntil(() => performance.now() - sinceMs > 25)
    aborted.abort()
    await expect(answer).rejects.toThrow('aborted')
    await vi.waitFor(() => expect(shown(budgets)).toEqual(['GET /users/:id, database: 1']))
    gate.resolve()
  })

  test('Server-Timing is of this request, and never stored', async () => {
    const get = await start({ budgets: { cachedMs: 40 }, serverTiming: true, maxTraceEntries: 10 })
    const timingOf = async (path: string) => (await get(path)).headers.get('server-timing')
    const total = String.raw`^total;dur=\d+\.\d`
    expect(await timingOf('/users/1')).toMatch(
      new RegExp(
        String.raw`${total}, db;dur=\d+\.\d;desc="queries: 1", budget;dur=200;desc="database"$`,
      ),
    )
    expect(await timingOf('/kept')).toMatch(
      new RegExp(`${total}, cache;desc="miss", budget;dur=100;desc="simple"$`),
    )
    for (let n = 0; n < 2; n++) {
      expect(await timingOf('/kept')).toMatch(
        new RegExp(`${total}, cache;desc="hit", budget;dur=40;desc="cached"$`),
      )
    }
  })

  test('nothing is sent unless it is asked for', async () => {
    const get = await start({ budgets: true })
    expect((await get('/users/1')).headers.get('server-timing')).toBeNull()
  })

  test('budgets that were handed in outlive the server, others do not', async () => {
    const registered = () => components().filter(({ kind }) => kind === 'budgets').length
    const before = registered()
    makeBudgets()
    await start({ budgets: made[0] })
    await start({ budgets: {} })
    expect(registered()).toBe(before + 2)
    for (const server of servers.splice(0)) await server.close()
    expect(registered()).toBe(before + 1)
  })

  test('options that are refused leave nothing behind', async () => {
    const before = components()
    const everything = { budgets: true, cache: {}, shed: {}, compress: true, limit: '9/minute' }
    const wrong = [
      { limit: 'nonsense' },
      { limit: { policy: '9/minute', allow: ['nowhere'] } },
      { shed: { priority: 'high' } },
      { cache: { ttlMs: -1 } },
      { maxTraceEntries: -1 },
      { compress: { level: 'most' } },
      { decodeRequests: { maxRatio: 0 } },
      { trustProxy: 'everybody' },
    ]
    for (const option of wrong) {
      const plan = { user, ...everything, ...option } as unknown as ObservePlan
      await expect(serve(plan), JSON.stringify(option)).rejects.toThrow()
      expect(components(), JSON.stringify(option)).toEqual(before)
    }
  })
})

test('express: the whole pattern, however deep the router is and whoever answers the error', async () => {
  await using budgets = createBudgets()
  const hot = expressHotpath({ budgets })
  const deepest = express.Router()
  deepest.get('/:id', () => Promise.reject(new Error('broken')))
  const middle = express.Router()
  middle.use('/inner', deepest)
  const inside = express()
  inside.use('/app', middle)
  const app = express()
  app.use(hot).use('/early', middle).use('/mounted', inside)
  const answer: express.ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(503).json({})
  }
  app.use('/early', answer)
  app.use(answer)
  const server = await listening(createServer(app), hot.close)
  try {
    for (const path of ['/early/inner/1', '/mounted/app/inner/1']) {
      expect((await fetch(server.url + path)).status).toBe(503)
    }
  } finally {
    await server.close()
  }
  await vi.waitFor(() =>
    expect(shown(budgets)).toEqual([
      'GET /early/inner/:id, simple: 0',
      'GET /mounted/app/inner/:id, simple: 0',
    ]),
  )
})

test('a socket with TLS is https', async () => {
  await using budgets = createBudgets()
  const hot = nodeHotpath({ budgets })
  const folder = new URL('../integration/tls/', import.meta.url)
  const [cert, key] = await Promise.all(
    ['cert.pem', 'key.pem'].map((name) => readFile(new URL(name, folder))),
  )
  const handler = hot.handler((_request, response) => response.end())
  const server = createSecureServer({ cert, key }, (request, response) => {
    void handler(request, response)
  })
  const { url: base, close } = await listening(server, hot.close)
  try {
    const request = get(base.replace('http:', 'https:'), { rejectUnauthorized: false })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    await vi.waitFor(() => expect(budgets.stats().requests[0]?.scheme).toBe('https'))
  } finally {
    await close()
  }
})

test('hono: without a server it is all the same', async () => {
  await using budgets = createBudgets()
  const app = new Hono()
  const hot = honoHotpath({ budgets, serverTiming: true })
  app.use(hot)
  app.get('/users/:id', async (context) => context.json(await user(context.req.param('id'))))
  const response = await app.request('/users/1')
  expect(response.headers.get('server-timing')).toMatch(/, budget;dur=200;desc="database"$/)
  expect(shown(budgets)).toEqual(['GET /users/:id, database: 1'])
  await hot.close()
})
