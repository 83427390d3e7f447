import { expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { WaitingLine, type Waiter } from './waiting.ts'

function waiterAt(queuedAtMs: number): Waiter {
  return { isAlone: false, isPaired: false, queuedAtMs, start: () => {}, reject: () => {} }
}

test('each waits its own time, in order of coming', () => {
  const clock = createManualClock()
  const late: Waiter[] = []
  const line = new WaitingLine(clock, 100, (waiter) => late.push(waiter))
  const first = waiterAt(clock.monotonicMs())
  line.add(first)
  clock.advance(60)
  const second = waiterAt(clock.monotonicMs())
  line.add(second)
  clock.advance(39)
  expect(late).toEqual([])
  clock.advance(1)
  expect(late).toEqual([first])
  clock.advance(60)
  expect(late).toEqual([first, second])
  expect(line.size).toBe(0)
})

test('who was served or left is never late', () => {
  const clock = createManualClock()
  const late: Waiter[] = []
  const line = new WaitingLine(clock, 100, (waiter) => late.push(waiter))
  const waiter = waiterAt(0)
  line.add(waiter)
  expect(line.remove(waiter)).toBe(true)
  expect(line.remove(waiter)).toBe(false)
  line.add(waiterAt(0))
  expect(line.clear()).toHaveLength(1)
  clock.advance(1_000)
  expect(late).toEqual([])
})

test('a late waiter whose place is taken at once by another does not stop the watch', () => {
  const clock = createManualClock()
  let rejected = 0
  const line: WaitingLine = new WaitingLine(clock, 100, () => {
    rejected++
    if (rejected < 3) line.add(waiterAt(clock.monotonicMs()))
  })
  line.add(waiterAt(0))
  clock.advance(300)
  expect(rejected).toBe(3)
})
