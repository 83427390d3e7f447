import { drizzle } from 'drizzle-orm/node-postgres'
import { eq } from 'drizzle-orm'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requestContext, runInRequest } from '../../src/core/index.ts'
import {
  createPool,
  expectNoRepeatedQueries,
  findRepeatedQueries,
  traceQueries,
} from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const untrace = traceQueries(pg)
const ownPool = createPool(url, { maxConnections: 3 })
const pgPool = new pg.Pool({ connectionString: url, max: 3 })
const items = pgTable('items', { id: integer().notNull() })
const ids = [1, 2, 3, 4, 5]

beforeAll(async () => {
  await pgPool.query('create table items (id int)')
  await pgPool.query('insert into items select generate_series(1, 5)')
})

afterAll(async () => {
  await Promise.all([ownPool.end(), pgPool.end()])
  untrace()
})

const inRequest = (work: () => Promise<unknown>) =>
  runInRequest({ route: '/items', maxTraceEntries: 100 }, async () => {
    await work()
    return requestContext()
  })

describe.each([
  ['hotpath', ownPool],
  ['pg.Pool', pgPool],
])('on %s', (_name, pool) => {
  const kysely = new Kysely<{ items: { id: number } }>({ dialect: new PostgresDialect({ pool }) })
  const db = drizzle(pool)
  const find = (id: number) => pool.query('select * from items where id = $1', [id]) // pg, marked
  const all = () => pool.query('select id from items')

  test.each([
    ['pg', 'pg, marked', find],
    [
      'Kysely',
      'Kysely, marked',
      async (id: number) => {
        await kysely.selectFrom('items').selectAll().where('id', '=', id).execute() // Kysely, marked
      },
    ],
    [
      'Drizzle',
      'Drizzle, marked',
      async (id: number) => {
        await db.select().from(items).where(eq(items.id, id)) // Drizzle, marked
      },
    ],
  ])(
    '%s: the evidence names the line',
    async (_library, mark, ask: (id: number) => Promise<unknown>) => {
      const request = await inRequest(async () => {
        await all()
        for (const id of ids) await ask(id)
      })
      const [found, ...others] = await findRepeatedQueries(request)
      expect(others).toEqual([])
      expect(found).toMatchObject({ route: '/items', count: 5, distinctCount: 5 })
      expect(found?.parent).toMatchObject({ text: 'select id from items', column: 'id' })
      expect(found?.suggestion).toMatch(/= any\(\$1\)/)
      expect(found?.site?.file).toMatch(/places\.test\.ts$/)
      const lines = readFileSync(new URL(import.meta.url), 'utf8').split('\n')
      expect(lines[(found?.site?.line ?? 0) - 1]).toContain(`// ${mark}`)
    },
  )

  test('every form of a query is recorded once, an error with it', async () => {
    const request = await inRequest(async () => {
      await pool.query('select 1')
      await new Promise((resolve) => pool.query('select $1::int', [2], resolve))
      await pool.query('select no_such_column').catch(() => {})
      const client = await pool.connect()
      await client.query({ text: 'select $1::int + 1', values: [4] })
      await new Promise((resolve) => client.query('select 5', resolve))
      const cursor = client.query(new Cursor('select id from items where id > $1', [0]))
      expect(await cursor.read(10)).toHaveLength(5)
      await cursor.close()
      client.release()
    })
    const entries = request?.trace?.entries ?? []
    expect(entries).toMatchObject([
      { text: 'select 1', rowCount: 1 },
      { text: 'select $1::int', values: [2] },
      { text: 'select no_such_column', error: { code: '42703' } },
      { text: 'select $1::int + 1', values: [4], sample: { rows: [{ '?column?': 5 }] } },
      { text: 'select 5' },
      { text: 'select id from items where id > $1', values: ['0'] },
    ])
  })

  test('expectNoRepeatedQueries fails with the evidence, and else returns the result', async () => {
    const work = async () => {
      const { rows } = await all()
      await Promise.all(rows.map((row) => find(row.id as number)))
    }
    await expect(expectNoRepeatedQueries(work)).rejects.toThrow(
      /5 queries .* at .*places\.test\.ts:\d+:\d+, one for each row[^]*instead: .*= any\(\$1\)/,
    )
    expect(await expectNoRepeatedQueries(async () => (await all()).rowCount)).toBe(5)
    await expectNoRepeatedQueries(work, { minRepeats: 6 })
  })
})

test('the patch can be taken back', () => {
  const patched = pg.Client.prototype.query
  untrace()
  expect(pg.Client.prototype.query).not.toBe(patched)
  traceQueries(pg)()
})
