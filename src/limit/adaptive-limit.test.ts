import { expect, test } from 'vitest'
import { AdaptiveLimit } from './adaptive-limit.ts'
import { resolveShedderOptions } from './shedder-options.ts'

const options = resolveShedderOptions({ targetDelayMs: 4, maxInFlight: 500, minInFlight: 10 })
const calm = { delayMs: 0, latencyMs: 10, peakUse: 100, wasFull: true }

test('it doubles until the first overload, and grows by a tenth after it', () => {
  const limit = new AdaptiveLimit(options)
  limit.adjust(calm)
  expect(limit.current).toBe(200)
  limit.adjust({ ...calm, delayMs: 16, peakUse: 200 })
  expect(limit.current).toBe(100)
  limit.adjust(calm)
  expect(limit.current).toBeCloseTo(110)
})

test('it stays where it is not in use, and within its bounds', () => {
  const limit = new AdaptiveLimit(options)
  limit.adjust({ ...calm, wasFull: false })
  expect(limit.current).toBe(100)
  for (let window = 0; window < 5; window++) limit.adjust(calm)
  expect(limit.current).toBe(500)
  for (let window = 0; window < 9; window++) limit.adjust({ ...calm, delayMs: 1_000 })
  expect(limit.current).toBe(10)
})

test('what was in use was too much, not what might have been', () => {
  const limit = new AdaptiveLimit(options)
  limit.adjust({ ...calm, delayMs: 16, peakUse: 40 })
  expect(limit.current).toBe(20)
})

test('it does not fall where nobody was let in, nor grow before anything has ended', () => {
  const limit = new AdaptiveLimit(options)
  limit.adjust({ ...calm, delayMs: 16, peakUse: 0 })
  limit.adjust({ ...calm, latencyMs: undefined })
  expect(limit.current).toBe(100)
})

test('it is tight from a cut until it is no longer nearly used', () => {
  const limit = new AdaptiveLimit(options)
  expect(limit.isTight).toBe(false)
  limit.adjust({ ...calm, delayMs: 16 })
  limit.adjust(calm)
  expect(limit.isTight).toBe(true)
  limit.adjust({ ...calm, wasFull: false })
  expect(limit.isTight).toBe(false)
})
