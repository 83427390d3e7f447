import { expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { Pulse } from './pulse.ts'

test('a query stalls by itself when answers come to others every few milliseconds', () => {
  const clock = createManualClock()
  const pulse = new Pulse()
  for (let answer = 0; answer < 13; answer++) {
    clock.advance(4)
    pulse.beat(clock.monotonicMs())
  }
  expect(pulse.isOwnStall(0, 52, clock.monotonicMs())).toBe(true)
})

test('not when they come in a burst after a silence', () => {
  const clock = createManualClock()
  const pulse = new Pulse()
  clock.advance(50)
  for (let answer = 0; answer < 100; answer++) {
    clock.advance(0.01)
    pulse.beat(clock.monotonicMs())
  }
  expect(pulse.isOwnStall(0, 51, clock.monotonicMs())).toBe(false)
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
  expect(pulse.isOwnStall(count, 20, clock.monotonicMs())).toBe(false)
})

test('stalls that end together are one hiccup', () => {
  const clock = createManualClock()
  const pulse = new Pulse()
  const stalls: boolean[] = []
  for (let ms = 1; ms <= 60; ms++) {
    clock.advance(1)
    pulse.beat(clock.monotonicMs())
    if (ms >= 30 && ms < 40) stalls.push(pulse.isOwnStall(0, 30, clock.monotonicMs()))
  }
  expect(stalls).toEqual([true, ...Array.from({ length: 9 }, () => false)])
  expect(pulse.isOwnStall(0, 60, clock.monotonicMs())).toBe(true)
})
