import { expect, test } from 'vitest'
import { createManualClock } from '../../src/index.ts'
import { createPool, type Sizing } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()

test('the hint tells the load that the pool really had', async () => {
  const clock = createManualClock()
  await using pool = createPool(url, { clock, maxConnections: 6 })
  await pool.query('select 1')
  expect(pool.sizingHint()).toMatchObject({ verdict: 'notEnoughData' })
  // One query at a time for a minute, each of which takes 100 ms, with a pause as long as that.
  for (let query = 0; query < 300; query++) {
    const answer = pool.query('select 1')
    clock.advance(100)
    await answer
    clock.advance(100)
  }
  const hint = pool.sizingHint() as Sizing
  expect(hint).toMatchObject({ verdict: 'lower', suggestedConnections: 3, maxConnections: 6 })
  expect(hint.load).toBeCloseTo(0.5, 1)
  expect(hint.arrivalsPerSecond).toBeCloseTo(5, 0)
  expect(hint.serviceMs).toBeCloseTo(100, -1)
})

test('clients that are held count, and so do those that wait for one', async () => {
  const clock = createManualClock()
  await using pool = createPool(url, { clock, maxConnections: 1, checkAfterIdleMs: false })
  for (let borrow = 0; borrow < 150; borrow++) {
    const client = await pool.connect()
    const next = pool.connect()
    clock.advance(100)
    client.release()
    const other = await next
    clock.advance(100)
    other.release()
  }
  const hint = pool.sizingHint() as Sizing
  expect(hint).toMatchObject({ verdict: 'raise', maxConnections: 1 })
  expect(hint.load).toBeCloseTo(1, 1)
  expect(hint.waitedRatio).toBeCloseTo(0.5, 1)
})
