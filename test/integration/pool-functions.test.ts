import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createPool, type PostgresPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const admin = new pg.Client(url)

beforeAll(async () => {
  await admin.connect()
  await admin.query(`
    create sequence runs;
    create table notes (id int primary key);
    create function note(id int) returns bigint language plpgsql as $$
    begin
      perform pg_sleep(0.0005);
      insert into notes values (id);
      return nextval('runs');
    end $$;
    create function look(id int) returns int stable language sql as 'select count(*)::int from notes';
    create schema app`)
})

afterAll(() => admin.end())

const nap = 'select pg_sleep($1)'

/** Runs it often enough for the pool to have made up its mind. */
async function getUsedTo(pool: PostgresPool, text: string, values: () => unknown[]): Promise<void> {
  for (let run = 0; run < 20; run++) await pool.query(text, values())
}

/** Whether a quick query of this text is sent behind another that is under way. */
async function shares(pool: PostgresPool, text: string, values: unknown[]): Promise<boolean> {
  await getUsedTo(pool, nap, () => [0])
  await getUsedTo(pool, text, () => values)
  const before = pool.query(nap, [0.02])
  const query = pool.query(text, values)
  const isSent = pool.stats().inFlight === 2
  await Promise.all([before, query])
  return isSent
}

test('a function that writes runs once, whosever cancel comes, and its caller hears the truth', async () => {
  await using pool = createPool(url, { maxConnections: 1 })
  let id = 0
  await getUsedTo(pool, nap, () => [0])
  await getUsedTo(pool, 'select note($1)', () => [++id])
  const confirmed = new Set(Array.from({ length: id }, (_, index) => index + 1))
  const cancelled = new Set<number>()
  for (let round = 0; round < 200; round++) {
    // So that it stays quick in the eyes of the pool, and others go behind it.
    for (let run = 0; run < 4; run++) await pool.query(nap, [0])
    const noteId = ++id
    const patience = new AbortController()
    const nobodyWaits = pool.query({ text: nap, values: [0.004], timeoutMs: 4 }).catch(() => {})
    const note = pool.query({
      text: 'select note($1)',
      values: [noteId],
      signal: patience.signal,
    })
    // Every fourth caller gives up while the nap before him goes on.
    if (round % 4 === 0) setTimeout(() => patience.abort(), 2)
    await note.then(
      () => confirmed.add(noteId),
      () => cancelled.add(noteId),
    )
    await nobodyWaits
  }
  const { rows } = await admin.query<{ id: number }>('select id from notes')
  expect(new Set(rows.map((row) => row.id))).toEqual(confirmed)
  expect(cancelled.size).toBeGreaterThan(0)
  const { rows: runs } = await admin.query('select last_value::int as count from runs')
  expect(runs).toEqual([{ count: confirmed.size }])
})

test('one that reads shares once the server has said so', async () => {
  await using pool = createPool(url, { maxConnections: 1 })
  await vi.waitUntil(() => shares(pool, 'select look($1::int)', [1]))
})

test('one overload that writes, in whatever schema, is enough', async () => {
  await admin.query("create function app.see(id text) returns int language sql as 'select 1'")
  await admin.query("create function see(id int) returns int stable language sql as 'select 1'")
  await using pool = createPool(url, { maxConnections: 1 })
  expect(await shares(pool, 'select see($1::int)', [1])).toBe(false)
})

test("what the pool's own DDL makes of a function is heard at once", async () => {
  await using pool = createPool(url, { maxConnections: 1 })
  const define = (how: string) =>
    pool.query(
      `create or replace function turn(id int) returns int ${how} language sql as 'select 1'`,
    )
  await define('stable')
  await vi.waitUntil(() => shares(pool, 'select turn($1)', [1]))
  await define('volatile')
  expect(await shares(pool, 'select turn($1)', [1])).toBe(false)
})

test('one that comes to exist only later is looked for again', async () => {
  await using pool = createPool(url, { maxConnections: 1 })
  const call = () => pool.query('select late($1)', [1])
  for (let run = 0; run < 5; run++) await expect(call()).rejects.toMatchObject({ code: '42883' })
  await admin.query("create function late(id int) returns int language sql as 'select 1'")
  expect(await shares(pool, 'select late($1)', [1])).toBe(false)
})

test.each([
  ['select pg_relation_size($1)', ['notes'], true],
  ['select random_normal(), $1::text', ['any'], true],
  ['select query_to_xml($1, true, true, $2)', ['select 1', ''], false],
  ['select pg_switch_wal(), $1::text', ['any'], false],
])("PostgreSQL's own are known by what they do: %s", async (text, values, isHarmless) => {
  await using pool = createPool(url, { maxConnections: 1 })
  if (isHarmless) await vi.waitUntil(() => shares(pool, text, values))
  else expect(await shares(pool, text, values)).toBe(false)
})
