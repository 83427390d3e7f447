import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { AdaptiveLimit } from './adaptive-limit.ts'
import { Aborts } from './aborts.ts'
import { Budget, budgetsOf } from './budget.ts'
import { pause } from './pause.ts'
import {
  addressRefused,
  bodyTooLarge,
  connectionFailed,
  redirectInvalid,
  timedOut,
} from './fetch-error.ts'
import { backoffMs, mayBeOverload } from './retry.ts'
import { retryAfterMs } from './retry-after.ts'

describe('Retry-After', () => {
  const clock = createManualClock(Date.UTC(2026, 0, 1, 12, 0, 0))

  test.each([
    ['120', undefined, 120_000],
    [' 0 ', undefined, 0],
    ['Thu, 01 Jan 2026 12:00:30 GMT', undefined, 30_000],
    ['Thursday, 01-Jan-26 12:00:30 GMT', undefined, 30_000],
    ['Thu Jan  1 12:00:30 2026', undefined, 30_000],
    ['Thu, 01 Jan 2026 11:59:00 GMT', undefined, 0],
    // The server's clock is an hour behind: it means half a minute all the same.
    ['Thu, 01 Jan 2026 11:00:30 GMT', 'Thu, 01 Jan 2026 11:00:00 GMT', 30_000],
    ['soon', undefined, undefined],
    ['-5', undefined, undefined],
    [undefined, undefined, undefined],
  ])('%j with the date %j is %j ms', (value, date, expected) => {
    const headers = { ...(value && { 'retry-after': value }), ...(date && { date }) }
    expect(retryAfterMs(headers, clock)).toBe(expected)
  })

  test('sent twice, the longer one counts', () => {
    const headers: Record<string, string[]> = { 'retry-after': ['5', '120', 'soon'] }
    expect(retryAfterMs(headers, clock)).toBe(120_000)
  })

  test('is never undercut by the time to wait', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(60_000), (attempts, askedMs) => {
        const waitMs = backoffMs(attempts, askedMs)
        expect(waitMs).toBeGreaterThanOrEqual(askedMs)
        expect(waitMs).toBeLessThanOrEqual(askedMs + Math.min(10_000, 100 * 2 ** (attempts - 1)))
      }),
    )
  })
})

test('a pause ends after its time and not before, or when the run is aborted', async () => {
  const clock = createManualClock()
  const aborts = new Aborts()
  let isOver = false
  const over = pause(clock, 100, aborts).then(() => (isOver = true))
  clock.advance(100)
  await Promise.resolve()
  expect(isOver).toBe(false)
  clock.advance(1)
  await over
  const aborted = pause(clock, 100, aborts)
  aborts.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  await expect(pause(clock, 100, aborts)).rejects.toThrow('enough')
})

test('a server that is slow or breaks connections has too much to do, one that is wrong has not', () => {
  const place = 'http://a.example/'
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
  const noName = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
  const overloads = [timedOut(place, 1), connectionFailed(place, true, reset)]
  expect(overloads.map((error) => mayBeOverload(error))).toEqual([true, true])
  const others = [
    bodyTooLarge(place, 1),
    redirectInvalid(place, 'it is a loop', 302),
    addressRefused('a.example', '10.0.0.1'),
    connectionFailed(place, false, noName),
    new Error('aborted'),
  ]
  expect(others.filter((error) => mayBeOverload(error))).toEqual([])
})

test('a budget lets through its share, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 2_000 }), (steps) => {
      const budget = new Budget(10, 100)
      let deposits = 0
      let taken = 0
      for (const isDeposit of steps) {
        if (isDeposit) {
          budget.deposit(0.2)
          deposits++
        } else if (budget.take()) {
          taken++
        }
        expect(taken).toBeLessThanOrEqual(10 + 0.2 * deposits + 1e-6)
      }
    }),
  )
})

test('servers have budgets of their own, and the one asked longest ago is forgotten', () => {
  const first = budgetsOf('http://first')
  expect(budgetsOf('http://first')).toBe(first)
  expect(budgetsOf('http://second')).not.toBe(first)
  for (let n = 0; n < 999; n++) budgetsOf(`http://other-${n}`)
  expect(budgetsOf('http://first')).not.toBe(first)
})

test('an adaptive limit grows while it is in use, falls once for each overload, and stays in bounds', () => {
  const limit = new AdaptiveLimit(20)
  expect(limit.current).toBe(10)
  for (let n = 0; n < 100; n++) limit.succeeded(3)
  expect(limit.current).toBe(10)
  for (let n = 0; n < 1_000; n++) limit.succeeded(limit.current)
  expect(limit.current).toBe(20)
  // Twenty that were under way together are one sign, not twenty.
  for (let n = 0; n < 20; n++) limit.overloaded(0, 10)
  expect(limit.current).toBe(14)
  for (let n = 0; n < 50; n++) limit.overloaded(100 * n, 100 * n + 50)
  expect(limit.current).toBe(1)
})
