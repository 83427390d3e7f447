import { expect, test } from 'vitest'
import { Pace } from './pace.ts'

function fill(pace: Pace, nowMs: number, room: number, latencyMs: number): number {
  let count = 0
  for (; pace.lets(nowMs, room, latencyMs); count++) pace.count(nowMs, room, latencyMs)
  return count
}

test('an eighth of a room at once, and two rooms in the time of a request', () => {
  const pace = new Pace()
  expect(fill(pace, 0, 80, 40)).toBe(11)
  let count = 0
  for (let nowMs = 1; nowMs <= 400; nowMs++) count += fill(pace, nowMs, 80, 40)
  expect(count).toBe(20 * 80)
})

test('however small the room, two come at once', () => {
  expect(fill(new Pace(), 0, 2, 40)).toBe(2)
})

test('those that had to be let in count as well', () => {
  const pace = new Pace()
  for (let index = 0; index < 40; index++) pace.count(0, 80, 40)
  expect(pace.lets(7, 80, 40)).toBe(false)
  expect(pace.lets(8, 80, 40)).toBe(true)
})
