import { expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { Pulse } from './pulse.ts'

test('answers in every few milliseconds are a steady stream', () => {
  const clock = createManualClock()
  const pulse = new Pulse()
  for (let answer = 0; answer < 13; answer++) {
    clock.advance(4)
    pulse.beat(clock.monotonicMs())
  }
  expect(pulse.wasSteady(0, 52)).toBe(true)
})

test('a burst after a silence is not', () => {
  const clock = createManualClock()
  const pulse = new Pulse()
  clock.advance(50)
  for (let answer = 0; answer < 100; answer++) {
    clock.advance(0.01)
    pulse.beat(clock.monotonicMs())
  }
  expect(pulse.wasSteady(0, 51)).toBe(false)
})

test('nor is what came before', () => {
  const clock = createManualClock()
  const pulse = new Pulse()
  for (let answer = 0; answer < 100; answer++) {
    clock.advance(1)
    pulse.beat(clock.monotonicMs())
  }
  const { count } = pulse
  clock.advance(20)
  pulse.beat(clock.monotonicMs())
  expect(pulse.wasSteady(count, 20)).toBe(false)
})
