import { expect, test } from 'vitest'
import { giveUp } from '../../bench/soaks/cancel/give-ups.ts'
import { race } from '../../bench/soaks/cancel/races.ts'
import { createPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()

// Reduced runs of `npm run soak -- cancel`, which also has a bar for the time it takes.
test('a query given up is cancelled on the server, and its backend is kept', async () => {
  const { goneMs, failures, ...counts } = await giveUp({ createPool, url, count: 60 })
  expect(failures).toEqual([])
  expect(goneMs).toHaveLength(60)
  expect(counts).toEqual({ kept: 60, leftNotes: 0 })
})

test(
  'giving up when the query is about to end: nobody else notices, and callers hear the truth',
  { timeout: 60_000 },
  async () => {
    const outcome = await race({ createPool, url, count: 800, seed: 1 })
    expect(outcome.failures).toEqual([])
    expect(outcome.cancelled).toBeGreaterThan(50)
    expect(outcome.answered).toBeGreaterThan(50)
    expect(outcome.cancelled + outcome.answered + outcome.unknown).toBe(800)
  },
)

test('a cancelled procedure that had committed already: its outcome is unknown', async () => {
  await using pool = createPool(url)
  await pool.query('create table steps (id int)')
  await pool.query(`create procedure take_steps() language plpgsql as $$
    begin insert into steps values (1); commit; perform pg_sleep(60); end $$`)
  await expect(pool.query({ text: 'call take_steps()', timeoutMs: 50 })).rejects.toMatchObject({
    code: 'HOTPATH_POSTGRES_OUTCOME_UNKNOWN',
    message: expect.stringContaining('may commit a part'),
  })
  expect((await pool.query('select id from steps')).rows).toEqual([{ id: 1 }])
})
