import { expect, test } from 'vitest'
import { DurationCounts } from './duration-counts.ts'

test('a duration is counted in the first bucket that is large enough for it', () => {
  const counts = new DurationCounts([0, 1, 2, 5_000, Infinity])
  for (const durationMs of [0, 0, 0, 0.5, 1, 1.001, 5_000, 60_000]) counts.add(durationMs)
  const { count, sumMs, buckets } = counts.snapshot()
  expect(count).toBe(8)
  expect(sumMs).toBeCloseTo(65_002.501)
  const filled = buckets.filter((bucket) => bucket.count > 0)
  expect(filled).toEqual([
    { atMostMs: 0, count: 3 },
    { atMostMs: 1, count: 2 },
    { atMostMs: 2, count: 1 },
    { atMostMs: 5_000, count: 1 },
    { atMostMs: Infinity, count: 1 },
  ])
})
