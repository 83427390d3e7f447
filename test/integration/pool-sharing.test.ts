import pg from 'pg'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createPool, type PoolOptions, type PostgresPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const pools: PostgresPool[] = []

async function open(maxConnections: number, options: PoolOptions = {}): Promise<PostgresPool> {
  const pool = createPool(url, { maxConnections, minConnections: maxConnections, ...options })
  pools.push(pool)
  await vi.waitUntil(() => pool.idleCount === maxConnections, { timeout: 10_000, interval: 5 })
  return pool
}

beforeAll(async () => {
  const admin = new pg.Client(url)
  await admin.connect()
  await admin.query('create table users (id int primary key, name text not null)')
  await admin.query("insert into users select i, 'user ' || i from generate_series(1, 1000) i")
  await admin.query(`
    create function find_user(wanted int) returns setof users stable language plpgsql as $$
    begin
      if wanted % 100 = 0 then
        perform pg_sleep(0.05);
      end if;
      return query select * from users where id = wanted;
    end $$`)
  await admin.end()
})

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
})

const findUser = 'select * from find_user($1)'

// Callers who ask for one user after the other, all the users `times` times in all.
async function askForAll(pool: PostgresPool, text: string, times: number): Promise<void> {
  let asked = 0
  const caller = async (): Promise<void> => {
    while (asked < times * 1_000) await pool.query(text, [(asked++ % 1_000) + 1])
  }
  await Promise.all(Array.from({ length: 40 }, caller))
}

// How many of forty that come at once are sent at once: the most of five times, because a process that
// is held up for 2 ms in the middle takes what it has sent for slow.
async function sentAtOnce(pool: PostgresPool, text: string): Promise<number> {
  let most = 0
  for (let time = 0; time < 5; time++) {
    const answers = Array.from({ length: 40 }, (_, i) => pool.query(text, [i + 1]))
    most = Math.max(most, pool.stats().inFlight)
    await Promise.all(answers)
  }
  return most
}

test('a statement that is slow now and then, for no reason that shows, has its connection alone', async () => {
  const pool = await open(10)
  await askForAll(pool, findUser, 4)
  // The last slow run must not be why: a few dozen quick ones show what is usual.
  for (let run = 0; run < 60; run++) await pool.query(findUser, [1])
  expect(await sentAtOnce(pool, findUser)).toBe(10)
})

test('one that is quick shares, whatever else is under way', async () => {
  const pool = await open(4)
  const byId = 'select * from users where id = $1'
  await Promise.all([askForAll(pool, findUser, 1), askForAll(pool, byId, 5)])
  for (let run = 0; run < 60; run++) await pool.query(byId, [1])
  expect(await sentAtOnce(pool, byId)).toBe(40)
})

test('a steady stream of what travels alone does not starve the reads', async () => {
  const pool = await open(2)
  let isDone = false
  const writer = async (_: unknown, i: number): Promise<void> => {
    while (!isDone) await pool.query('update users set name = name where id = $1', [i + 1])
  }
  const writers = Promise.all(Array.from({ length: 20 }, writer))
  for (let i = 0; i < 20; i++) await pool.query('select name from users where id = $1', [i])
  isDone = true
  await writers
})
