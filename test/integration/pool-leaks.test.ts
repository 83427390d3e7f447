import { expect, test } from 'vitest'
import { borrow } from '../../bench/soaks/leaks/borrows.ts'
import { listen, type HotpathEvents } from '../../src/index.ts'
import { createPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()

// A reduced run of `npm run soak -- leaks`.
test('clients that are kept are reported with the stack of connect(), others never', async () => {
  const heard: HotpathEvents['hotpath:postgres:leak'][] = []
  const stop = listen('hotpath:postgres:leak', (event) => heard.push(event))
  const given = { createPool, url, borrows: 10_000, leaks: 40, leakDetectionMs: 1_500 }
  expect(await borrow(given)).toEqual({ found: 40, falseReports: 0 })
  stop()
  expect(heard).toHaveLength(40)
  expect(heard[0]?.heldMs).toBeGreaterThanOrEqual(1_500)
})

test('ten thousand constraint errors, and not one connection is replaced', async () => {
  await using pool = createPool(url, { minConnections: 4, maxConnections: 4 })
  await pool.query('create table taken (id int primary key)')
  await pool.query('insert into taken values (1)')
  let refused = 0
  const refuse = async (): Promise<void> => {
    for (let i = 0; i < 500; i++) {
      await pool.query('insert into taken values ($1)', [1]).catch((error: { code: string }) => {
        if (error.code === '23505') refused++
      })
    }
  }
  await Promise.all(Array.from({ length: 20 }, refuse))
  expect(refused).toBe(10_000)
  expect(pool.stats()).toMatchObject({ opened: 4, connections: 4, errors: 10_000, inFlight: 0 })
})
