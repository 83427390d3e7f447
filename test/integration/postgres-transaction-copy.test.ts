import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { from, to } from 'pg-copy-streams'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { drain } from '../../src/index.ts'
import { createPool, type CopySink, type PostgresPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const until = (isSo: () => boolean | Promise<boolean>) =>
  vi.waitUntil(isSo, { timeout: 10_000, interval: 5 })
const admin = new pg.Client(url)
const columns = ['id', 'name']
let pool: PostgresPool

beforeAll(async () => {
  await admin.connect()
  await admin.query('create table numbers (id int primary key, name text)')
})

beforeEach(async () => {
  await admin.query('truncate numbers')
  pool = createPool(url, { maxConnections: 1 })
})

afterEach(() => pool.close())
afterAll(() => admin.end())

async function count(): Promise<number> {
  const { rows } = await admin.query('select count(*)::int as count from numbers')
  return rows[0].count
}

function* counting(to: number): Generator<[number, string]> {
  for (let id = 1; id <= to; id++) yield [id, `number ${id}`]
}

/** The one connection has come back and is as good as before. */
async function expectAsBefore(): Promise<void> {
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  expect(pool.stats()).toMatchObject({ opened: 1, lent: 0 })
}

test('its rows are committed, or rolled back, with the rest', async () => {
  const seen = await pool.transaction(async (tx) => {
    await tx.query("insert into numbers values (0, 'none')")
    expect(await drain(counting(2_000), tx.copyInto('numbers', columns))).toBe(2_000)
    const { rows } = await tx.query('select count(*)::int as count from numbers')
    return rows[0]?.count
  })
  expect([seen, await count()]).toEqual([2_001, 2_001])
  const undone = pool.transaction(async (tx) => {
    await tx.query('truncate numbers')
    await drain(counting(5), tx.copyInto('numbers', columns))
    throw new Error('changed my mind')
  })
  await expect(undone).rejects.toThrow('changed my mind')
  expect(await count()).toBe(2_001)
  await expectAsBefore()
})

test('freeze writes rows that need no second pass, where the transaction truncated the table', async () => {
  const load = (isFrozen: boolean) =>
    pool.transaction(async (tx) => {
      await tx.query('truncate numbers')
      await drain(counting(2_000), tx.copyInto('numbers', columns, { freeze: isFrozen }))
    })
  const visible = async () => {
    await admin.query('analyze numbers')
    const { rows } = await admin.query(
      "select relallvisible > 0 as some from pg_class where oid = 'numbers'::regclass",
    )
    return rows[0].some
  }
  await load(false)
  expect(await visible()).toBe(false)
  await load(true)
  expect(await visible()).toBe(true)
  const refused = pool.transaction((tx) =>
    drain(counting(5), tx.copyInto('numbers', columns, { freeze: true })),
  )
  await expect(refused).rejects.toMatchObject({ code: '55000' })
  await expectAsBefore()
})

test('one that fails fails the transaction, also if the work caught it, but not behind a savepoint', async () => {
  const twice = [...counting(3), [1, 'again']]
  const failed = pool.transaction(async (tx) => {
    await drain(twice, tx.copyInto('numbers', columns)).catch(() => {})
    await tx.query('select 1').catch(() => {})
  })
  await expect(failed).rejects.toMatchObject({ code: '23505' })
  await pool.transaction(async (tx) => {
    const inner = tx.transaction((deeper) => drain(twice, deeper.copyInto('numbers', columns)))
    await expect(inner).rejects.toMatchObject({ code: '23505' })
    const unreadable = tx.transaction((deeper) =>
      drain([[1, undefined]], deeper.copyInto('numbers', columns)),
    )
    await expect(unreadable).rejects.toMatchObject({ code: 'HOTPATH_POSTGRES_QUERY_INVALID' })
    await drain(counting(7), tx.copyInto('numbers', columns))
  })
  expect(await count()).toBe(7)
  await expectAsBefore()
})

test('while it is under way the transaction takes nothing else, and its end must be awaited', async () => {
  const invalid = { code: 'HOTPATH_POSTGRES_QUERY_INVALID' }
  await pool.transaction(async (tx) => {
    const sink = tx.copyInto('numbers', columns)
    await sink.write([[1, 'one']])
    await expect(tx.query('select 1')).rejects.toMatchObject(invalid)
    await expect(tx.transaction(async () => {})).rejects.toMatchObject(invalid)
    await expect(tx.copyInto('numbers', columns).write([])).rejects.toMatchObject(invalid)
    await sink.close()
  })
  expect(await count()).toBe(1)
  let kept: CopySink | undefined
  const open = pool.transaction(async (tx) => {
    kept = tx.copyInto('numbers', columns)
    await kept.write([[2, 'two']])
  })
  await expect(open).rejects.toMatchObject(invalid)
  await expect(kept?.write([[3, 'three']])).rejects.toThrow()
  const openInside = pool.transaction((tx) =>
    tx.transaction((inner) => inner.copyInto('numbers', columns).write([[2, 'two']])),
  )
  await expect(openInside).rejects.toMatchObject(invalid)
  expect(await count()).toBe(1)
  await expectAsBefore()
})

test('the time limit of the transaction stops it, between two batches and while it waits for a lock', async () => {
  const slow = pool.transaction(
    async (tx) => {
      const sink = tx.copyInto('numbers', columns)
      await sink.write([[1, 'one']])
      await new Promise(() => {})
    },
    { timeoutMs: 50 },
  )
  await expect(slow).rejects.toMatchObject({ code: 'HOTPATH_POSTGRES_QUERY_TIMEOUT' })
  await admin.query('begin; lock table numbers')
  const locked = pool.transaction(
    (tx) => drain(counting(100_000), tx.copyInto('numbers', columns)),
    { timeoutMs: 50 },
  )
  await expect(locked).rejects.toMatchObject({ code: 'HOTPATH_POSTGRES_QUERY_TIMEOUT' })
  await admin.query('rollback')
  expect(await count()).toBe(0)
  await expectAsBefore()
})

test('a backend that dies undoes it all: nothing about it is unknown', async () => {
  const work = pool.transaction(async (tx) => {
    const sink = tx.copyInto('numbers', columns)
    await sink.write([...counting(1_000)])
    await until(async () => {
      const { rowCount } = await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy "%'`,
      )
      return rowCount === 1
    })
    await until(() => pool.stats().closed.lost + pool.stats().closed.released > 0)
    await sink.close()
  })
  await expect(work).rejects.toThrow(/terminat|ECONNRESET|EPIPE/)
  expect(await count()).toBe(0)
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('as a text it is refused, as a stream of pg-copy-streams it is taken', async () => {
  const refused = {
    code: 'HOTPATH_POSTGRES_QUERY_INVALID',
    message: expect.stringContaining('copyInto'),
  }
  await expect(pool.query('copy numbers from stdin')).rejects.toMatchObject(refused)
  await expect(pool.query('copy numbers to stdout')).rejects.toMatchObject(refused)
  await pool.transaction(async (tx) => {
    await expect(tx.query('copy numbers from stdin')).rejects.toMatchObject(refused)
  })
  await pipeline(['1,one\n', '2,two\n'], pool.query(from('copy numbers from stdin (format csv)')))
  expect(await text(pool.query(to('copy numbers to stdout (format csv)')))).toBe('1,one\n2,two\n')
  await expectAsBefore()
})
