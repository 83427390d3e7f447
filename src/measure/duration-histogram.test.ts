import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DurationHistogram } from './duration-histogram.ts'

const durations = fc.array(
  fc
    .tuple(fc.double({ min: 1, max: 10, noNaN: true }), fc.integer({ min: -5, max: 8 }))
    .map(([digits, exponent]) => digits * 10 ** exponent),
  { minLength: 1, maxLength: 300 },
)

test('quantiles are those of all values, within the error that is told', () => {
  fc.assert(
    fc.property(durations, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 0.999), (values, ratio) => {
      const histogram = new DurationHistogram()
      for (const value of values) histogram.add(value)
      const sorted = Float64Array.from(values).sort()
      const exact = sorted[Math.ceil(ratio * sorted.length) - 1] as number
      // Below 128 ns a slot is a whole nanosecond, whose fraction is lost.
      const tolerance = exact * histogram.stats().relativeError + 1e-6
      expect(Math.abs(histogram.quantileMs(ratio) - exact)).toBeLessThanOrEqual(tolerance)
    }),
  )
})

test('buckets hold every value once, at most one slot from where it belongs', () => {
  fc.assert(
    fc.property(durations, (values) => {
      const histogram = new DurationHistogram()
      for (const value of values) histogram.add(value)
      const { buckets, count, sumMs, maxMs } = histogram.stats()
      expect(count).toBe(values.length)
      expect(maxMs).toBe(Math.max(...values))
      expect(sumMs).toBeCloseTo(
        values.reduce((sum, value) => sum + value, 0),
        0,
      )
      let seen = 0
      for (const { atMostMs, count } of buckets) {
        seen += count
        expect(seen).toBeGreaterThanOrEqual(values.filter((v) => v <= atMostMs / 1.016).length)
        expect(seen).toBeLessThanOrEqual(values.filter((v) => v <= atMostMs * 1.016 + 1e-6).length)
      }
      expect(seen).toBe(values.length)
    }),
  )
})

test('bears what no duration should be', () => {
  const histogram = new DurationHistogram()
  for (const value of [0, -1, 1e300, 2 ** 31 / 1e6, Number.MIN_VALUE]) histogram.add(value)
  expect(histogram.stats().count).toBe(5)
  expect(histogram.quantileMs(1)).toBeCloseTo(2 ** 52 / 1e6, -8)
  expect(histogram.stats().buckets.reduce((sum, { count }) => sum + count, 0)).toBe(5)
})

test('is all 0 before the first and after a reset', () => {
  const histogram = new DurationHistogram()
  const empty = histogram.stats()
  expect(empty).toMatchObject({ count: 0, sumMs: 0, meanMs: 0, maxMs: 0, p50Ms: 0, p999Ms: 0 })
  histogram.add(5)
  histogram.reset()
  expect(histogram.stats()).toEqual(empty)
})
