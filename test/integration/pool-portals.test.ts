import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { afterEach, expect, test, vi } from 'vitest'
import { createPool, type PostgresPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const text = 'select i from generate_series(1, $1::int) i'
let pool: PostgresPool

function open(): PostgresPool {
  pool = createPool(url, { maxConnections: 1, acquireTimeoutMs: 5_000 })
  return pool
}

// The one connection is free again, and is the same.
async function expectReturned(): Promise<void> {
  await vi.waitUntil(() => pool.idleCount === 1, { timeout: 5_000, interval: 5 })
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  expect(pool.stats()).toMatchObject({ lent: 0, waiting: 0, opened: 1 })
}

afterEach(() => pool.close())

test('a cursor that is read to its end', async () => {
  const cursor = open().query(new Cursor<{ i: number }>(text, [5]))
  expect(await cursor.read(3)).toEqual([{ i: 1 }, { i: 2 }, { i: 3 }])
  expect(pool.stats().lent).toBe(1)
  expect(await cursor.read(3)).toEqual([{ i: 4 }, { i: 5 }])
  await expectReturned()
})

test('a cursor that is closed in the middle, and one that is closed before it began', async () => {
  const cursor = open().query(new Cursor(text, [1_000_000]))
  const waiting = pool.query(new Cursor(text, [5]))
  await cursor.read(10)
  await waiting.close()
  await cursor.close()
  await expectReturned()
})

test('a cursor over SQL that is wrong', async () => {
  const cursor = open().query(new Cursor('select no_such_column'))
  await expect(cursor.read(1)).rejects.toMatchObject({ code: '42703' })
  await expectReturned()
})

test('a stream that is read to its end, and one that is destroyed in the middle', async () => {
  const rows: unknown[] = []
  for await (const row of open().query(new QueryStream(text, [1_000]))) rows.push(row)
  expect(rows).toHaveLength(1_000)
  await expectReturned()
  for await (const row of pool.query(new QueryStream(text, [1_000_000]))) {
    expect(row).toEqual({ i: 1 })
    break
  }
  await expectReturned()
})

test('a pool that has been ended', async () => {
  await open().end()
  const cursor = pool.query(new Cursor(text, [5]))
  await expect(cursor.read(1)).rejects.toMatchObject({ code: 'HOTPATH_COMPONENT_CLOSED' })
})

test('a backend that dies in the middle', async () => {
  const cursor = open().query(new Cursor<{ pid: number }>('select pg_backend_pid() as pid', []))
  const [row] = await cursor.read(1)
  await using other = createPool(url)
  await other.query('select pg_terminate_backend($1)', [row?.pid])
  await vi.waitUntil(() => pool.stats().closed.lost + pool.stats().closed.released === 1)
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})
