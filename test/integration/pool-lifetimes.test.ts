import { expect, test, vi } from 'vitest'
import { createManualClock } from '../../src/index.ts'
import { createPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const count = 20
const maxLifetimeMs = 1_000_000

test('connections that were made at once do not end at once, and each is replaced', async () => {
  const clock = createManualClock()
  const sizes = { minConnections: count, maxConnections: count }
  await using pool = createPool(url, { ...sizes, maxLifetimeMs, maxIdleMs: false, clock })
  const isFull = () => pool.stats().connections === count
  await vi.waitUntil(isFull, { timeout: 10_000 })

  clock.advance(maxLifetimeMs * 0.9 - 1)
  expect(pool.stats().closed.lifetime).toBe(0)
  clock.advance(1)
  const closedByStep: number[] = []
  for (let step = 0; step < 10; step++) {
    const before = pool.stats().closed.lifetime
    clock.advance(maxLifetimeMs / 100)
    closedByStep.push(pool.stats().closed.lifetime - before)
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await vi.waitUntil(isFull, { timeout: 10_000 })
  }
  expect(closedByStep.reduce((sum, closed) => sum + closed)).toBe(count)
  // By chance two in each of the ten steps; that half of them fall into one happens once in a million runs.
  expect(Math.max(...closedByStep)).toBeLessThanOrEqual(count / 2)
  expect(pool.stats()).toMatchObject({ opened: 2 * count, errors: 0 })
})
