import type { PoolClient } from 'pg'
import { expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { LeakWatch } from './leaks.ts'

function watch() {
  const clock = createManualClock()
  const reports: string[] = []
  const leaks = new LeakWatch('shop', clock, 100, ({ site }) => reports.push(site.name))
  const lend = (name: string) =>
    leaks.lent({} as PoolClient, Object.assign(new Error('borrowed'), { name }))
  return { clock, reports, leaks, lend }
}

test('each client that is held for too long is reported once', () => {
  const { clock, reports, leaks, lend } = watch()
  lend('first')
  clock.advance(60)
  lend('second')
  clock.advance(40)
  expect(reports).toEqual(['first'])
  clock.advance(60)
  expect(reports).toEqual(['first', 'second'])
  clock.advance(1_000)
  expect(reports).toHaveLength(2)
  expect(leaks.reportedCount).toBe(2)
})

test('one that comes back in time is not, nor one that is lent while the timer runs', () => {
  const { clock, reports, leaks, lend } = watch()
  const first = lend('first')
  clock.advance(99)
  leaks.returned(first)
  const second = lend('second')
  clock.advance(99)
  leaks.returned(second)
  clock.advance(1_000)
  lend('third')
  leaks.stop()
  clock.advance(1_000)
  expect(reports).toEqual([])
})
