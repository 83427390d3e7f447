import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hotpath as onExpress } from '../../src/adapters/express/index.ts'
import { hotpath as onFastify } from '../../src/adapters/fastify/index.ts'
import { hotpath as onHono } from '../../src/adapters/hono/index.ts'
import { hotpath as onNode } from '../../src/adapters/node/index.ts'
import { createLoader, createPool, loadBy } from '../../src/postgres/index.ts'
import { listening } from '../conformance/listening.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const pool = createPool(url, { maxConnections: 4 })
const uuid = (n: number) => `a0eebc99-9c0b-4ef8-bb6d-${String(n).padStart(12, '0')}`

beforeAll(async () => {
  await pool.query(`
    create schema "odd ""schema";
    create table "odd ""schema"."Order" (
      id int primary key, big bigint, "Name; --" text, code uuid, at timestamptz default now()
    );
    insert into "odd ""schema"."Order"
      select n, 9007199254740993 + n, case when n % 2 = 0 then 'even' else 'odd' end,
        ('a0eebc99-9c0b-4ef8-bb6d-' || lpad(n::text, 12, '0'))::uuid
      from generate_series(1, 100) as n`)
})

afterAll(() => pool.end())

const orders = { schema: 'odd "schema', table: 'Order' }

describe('loadBy', () => {
  test.each([
    ['int', 'id', [3, '1', 2n], [3, 1, 2]],
    ['bigint', 'big', [9007199254740994n, '9007199254740995'], [1, 2]],
    ['uuid', 'code', [uuid(7), uuid(5).toUpperCase(), `{${uuid(6)}}`], [7, 5, 6]],
  ])('puts one row for each key of type %s in their order', async (_type, column, keys, ids) => {
    const loader = createLoader(loadBy(pool, { ...orders, column, columns: ['id'] }))
    const rows = await loader.loadMany(keys)
    expect(rows.map((row) => row?.id)).toEqual(ids)
  })

  test('gives all rows of a text key, and none for a key without rows', async () => {
    const loader = createLoader(loadBy(pool, { ...orders, column: 'Name; --', many: true }))
    const [odd, none, even] = await loader.loadMany(['odd', "'; drop table x", 'even'])
    expect([odd?.length, none, even?.length]).toEqual([50, [], 50])
    expect(even?.every((row) => Number(row.id) % 2 === 0)).toBe(true)
  })

  test('a key without a row is undefined; one that is no key is an error of its own', async () => {
    const loader = createLoader(loadBy(pool, { ...orders, column: 'id' }))
    const asked = [5, 999, 2 ** 40, 'abc', 1.5].map((key) => loader.load(key))
    const outcomes = await Promise.allSettled(asked)
    expect(outcomes).toMatchObject([
      { value: { id: 5 } },
      { value: undefined },
      { value: undefined },
      { reason: { code: 'HOTPATH_POSTGRES_QUERY_INVALID' } },
      { reason: { code: 'HOTPATH_POSTGRES_QUERY_INVALID' } },
    ])
  })

  test('refuses a column whose equal values are written in several ways', async () => {
    const loader = createLoader(loadBy(pool, { ...orders, column: 'at' }))
    await expect(loader.load('2026-01-01')).rejects.toThrow(/write the batch function yourself/)
  })

  test('cancels its query on the server when nobody waits any more', async () => {
    await pool.query('create view slow as select 1 as id from pg_sleep(60)')
    const loader = createLoader(loadBy(pool, { table: 'slow', column: 'id' }))
    const leaving = AbortSignal.timeout(50)
    await expect(loader.load(1, { signal: leaving })).rejects.toThrow(/timeout/)
    await expect.poll(() => pool.stats().cancels).toBeGreaterThan(0)
    await expect.poll(() => pool.stats().inFlight).toBe(0)
  })
})

describe('every request that an adapter serves has values of its own', () => {
  const servers: Record<string, (answer: () => Promise<string>) => Server | Promise<Server>> = {
    async Fastify(answer) {
      const app = fastify()
      await app.register(onFastify, {})
      app.get('/', answer)
      await app.ready()
      return app.server
    },
    Express(answer) {
      const app = express()
      app.use(onExpress())
      app.get('/', async (_request, response) => void response.send(await answer()))
      return createServer(app)
    },
    Hono(answer) {
      const app = new Hono()
      app.use(onHono())
      app.get('/', async (context) => context.text(await answer()))
      return createAdaptorServer({ fetch: app.fetch }) as Server
    },
    'node:http'(answer) {
      const hot = onNode()
      const send = async (response: ServerResponse) => void response.end(await answer())
      return createServer(hot.handler((_request, response) => send(response)))
    },
  }

  test.each(Object.entries(servers))('on %s', async (_name, start) => {
    let batches = 0
    const loader = createLoader(async (keys: readonly string[]) => {
      batches++
      return keys.map((key) => `${key} ${batches}`)
    })
    const answer = async () => `${await loader.load('a')}, ${await loader.load('a')}`
    const server = await listening(await start(answer), async () => {})
    for (const expected of ['a 1, a 1', 'a 2, a 2']) {
      const response = await fetch(server.url)
      expect(await response.text()).toBe(expected)
    }
    await server.close()
  })
})
