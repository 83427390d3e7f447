import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createCache } from '../../src/cache/index.ts'
import {
  listen,
  requestContext,
  type HotpathEvents,
  type RequestContext,
} from '../../src/core/index.ts'
import { createPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'
import type { ListeningServer } from './listening.ts'
import { observeServers, type ObservePlan } from './observe-servers.ts'

const { url } = await useDatabase()
const pool = createPool(url, { maxConnections: 2 })
const names = createCache<string>({ name: 'names', ttlMs: 60_000 })

beforeAll(async () => {
  await pool.query('create table users (id int primary key, friend int)')
  await pool.query('insert into users select n, n + 1 from generate_series(1, 9) n')
})
afterAll(async () => {
  await Promise.all([pool.end(), names.close()])
})

describe.each(Object.entries(observeServers))('%s', (adapter, serve) => {
  const servers: ListeningServer[] = []
  afterEach(async () => {
    vi.unstubAllEnvs()
    for (const server of servers.splice(0)) await server.close()
  })
  async function start(plan: ObservePlan): Promise<(path: string) => Promise<object>> {
    const server = await serve(plan)
    servers.push(server)
    return async (path) => (await (await fetch(server.url + path)).json()) as object
  }

  test('what a handler asks a database and a cache is in the trace of its route', async () => {
    const contexts: (RequestContext | undefined)[] = []
    const get = await start({
      maxTraceEntries: 10,
      async user(id) {
        contexts.push(requestContext())
        const name = await names.getOrSet(`${adapter} ${id}`, () => `user ${id}`)
        const { rows } = await pool.query('select friend from users where id = $1', [id])
        return { name, ...rows[0] }
      },
    })
    const answers = await Promise.all([get('/users/1?full'), get('/users/2')])
    expect(answers).toEqual([
      { name: 'user 1', friend: 2 },
      { name: 'user 2', friend: 3 },
    ])
    expect(contexts).toHaveLength(2)
    for (const context of contexts) {
      expect(context).toMatchObject({ route: '/users/:id', usesDatabase: true })
      expect(context?.trace).toMatchObject({
        dropped: 0,
        entries: [
          { kind: 'cache', cache: 'names', verdict: 'miss' },
          { kind: 'query', text: 'select friend from users where id = $1', rowCount: 1 },
        ],
      })
    }
    const keys = contexts
      .map((context) => context?.trace?.entries[0])
      .map((entry) => (entry !== undefined && 'key' in entry ? entry.key : ''))
    expect(new Set(keys)).toEqual(new Set([`${adapter} 1`, `${adapter} 2`]))
  })

  test('a trace keeps so many entries and counts the others', async () => {
    let context: RequestContext | undefined
    const get = await start({
      maxTraceEntries: 1,
      async user(id) {
        context = requestContext()
        for (const n of [1, 2, 3]) await pool.query('select $1::int', [n])
        return { id }
      },
    })
    await get('/users/1')
    expect([context?.trace?.entries.length, context?.trace?.dropped]).toEqual([1, 2])
  })

  test('nothing is traced unless it is asked for', async () => {
    let context: RequestContext | undefined
    const get = await start({
      user: async (id) => {
        context = requestContext()
        await pool.query('select 1')
        return { id }
      },
    })
    await get('/users/1')
    expect(context?.trace).toBeUndefined()
  })

  test('in development, a line that repeats a query is warned of once', async () => {
    vi.stubEnv('NODE_ENV', 'development')
    const warnings: string[] = []
    const emit = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
      warnings.push(String(warning))
    })
    const events: HotpathEvents['hotpath:postgres:repeated-queries'][] = []
    const stop = listen('hotpath:postgres:repeated-queries', (event) => events.push(event))
    const get = await start({
      async user() {
        const { rows } = await pool.query('select friend from users order by id limit 5')
        const friends: unknown[] = []
        for (const { friend } of rows) {
          const found = await pool.query('select id from users where id = $1', [friend])
          friends.push(found.rows[0])
        }
        return friends
      },
    })
    await get('/users/1')
    await vi.waitUntil(() => events.length === 1)
    await get('/users/2')
    await vi.waitUntil(() => events.length === 2)
    stop()
    emit.mockRestore()

    expect(events[1]).toMatchObject({
      route: '/users/:id',
      site: { file: expect.stringContaining('traces.test.ts') as unknown },
      text: 'select id from users where id = $1',
      count: 5,
      parent: { column: 'friend' },
    })
    // The four frameworks run the same lines of this file, in one process.
    const isFirst = adapter === Object.keys(observeServers)[0]
    expect(warnings).toHaveLength(isFirst ? 1 : 0)
    if (isFirst) expect(warnings[0]).toMatch(/^route \/users\/:id: 5 queries .*traces\.test\.ts:/)
  })

  test('outside of development nobody is warned, and nothing is traced', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    let context: RequestContext | undefined
    const get = await start({
      user: async (id) => {
        context = requestContext()
        return { id }
      },
    })
    await get('/users/1')
    expect(context?.trace).toBeUndefined()
  })

  test('a warning without a trace is refused', async () => {
    await expect(
      start({ maxTraceEntries: 0, warnRepeatedQueries: true, user: async () => ({}) }),
    ).rejects.toThrow('maxTraceEntries must be above 0 with warnRepeatedQueries')
  })
})
