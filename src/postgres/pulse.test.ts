import { expect, test } from 'vitest'
import { createManualClock, type ManualClock } from '../core/index.ts'
import { Pulse } from './pulse.ts'

// Two statements.
const one = {}
const other = {}

test('a query stalls by itself when answers come to others every few milliseconds', () => {
  const clock = createManualClock()
  const pulse = new Pulse()
  for (let answer = 0; answer < 13; answer++) {
    clock.advance(4)
    pulse.beat(clock.monotonicMs())
  }
  expect(pulse.isOwnStall(one, 0, 52, clock.monotonicMs())).toBe(true)
})

test('not when they come in a burst after a silence', () => {
  const clock = createManualClock()
  const pulse = new Pulse()
  clock.advance(50)
  for (let answer = 0; answer < 100; answer++) {
    clock.advance(0.01)
    pulse.beat(clock.monotonicMs())
  }
  expect(pulse.isOwnStall(one, 0, 51, clock.monotonicMs())).toBe(false)
})

test('nor by answers that came before', () => {
  const clock = createManualClock()
  const pulse = new Pulse()
  for (let answer = 0; answer < 100; answer++) {
    clock.advance(1)
    pulse.beat(clock.monotonicMs())
  }
  const { count } = pulse
  clock.advance(20)
  pulse.beat(clock.monotonicMs())
  expect(pulse.isOwnStall(one, count, 20, clock.monotonicMs())).toBe(false)
})

// Ten stalls of 30 ms and more that end 1 ms after one another, while answers come to others.
function stallTogether(pulse: Pulse, clock: ManualClock, statements: object[]): boolean[] {
  const isOwn: boolean[] = []
  for (let ms = 1; ms < 40; ms++) {
    clock.advance(1)
    pulse.beat(clock.monotonicMs())
    const statement = statements[ms % statements.length] ?? one
    if (ms >= 30) isOwn.push(pulse.isOwnStall(statement, 0, 30, clock.monotonicMs()))
  }
  return isOwn
}

test('stalls of several statements that end together are one hiccup', () => {
  const clock = createManualClock()
  const pulse = new Pulse()
  const isOwn = stallTogether(pulse, clock, [one, other, other])
  expect(isOwn).toEqual([true, ...Array.from({ length: 9 }, () => false)])
  clock.advance(20)
  expect(pulse.isOwnStall(other, 0, 60, clock.monotonicMs())).toBe(true)
})

test('stalls of one statement are its own, however close together they end', () => {
  const isOwn = stallTogether(new Pulse(), createManualClock(), [one])
  expect(isOwn).toEqual(Array.from({ length: 10 }, () => true))
})
