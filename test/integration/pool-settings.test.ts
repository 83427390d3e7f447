import { expect, test } from 'vitest'
import { createPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()

test('maxStatements: false prepares nothing, as a PgBouncer in transaction mode needs it', async () => {
  const namesIn = async (maxStatements: number | false) => {
    await using pool = createPool(url, { maxConnections: 1, maxStatements })
    for (let use = 0; use < 5; use++) await pool.query('select $1::int as use', [use])
    const { rows } = await pool.query('select name from pg_prepared_statements')
    return rows.length
  }
  expect(await namesIn(false)).toBe(0)
  expect(await namesIn(10)).toBeGreaterThan(0)
})

test('a setting of the connection holds for every query: no generic plans, say', async () => {
  await using pool = createPool(
    { connectionString: url, options: '-c plan_cache_mode=force_custom_plan' },
    { maxConnections: 3 },
  )
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => pool.query('show plan_cache_mode')),
  )
  const modes = new Set(
    answers.map(({ rows }) => (rows[0] as { plan_cache_mode: string }).plan_cache_mode),
  )
  expect(modes).toEqual(new Set(['force_custom_plan']))
})
