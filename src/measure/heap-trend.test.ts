import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HeapTrendWindow } from './heap-trend.ts'

const mb = 1e6

function trendOf(points: readonly (readonly [atMs: number, bytes: number])[]) {
  const window = new HeapTrendWindow()
  for (const [atMs, bytes] of points) window.add(atMs, bytes)
  return window.trend()
}

describe('the slope of the heap', () => {
  test('is not told from few collections, however steep', () => {
    const points = Array.from({ length: 9 }, (_, at) => [at * 1_000, at * 50 * mb] as const)
    expect(trendOf(points)).toEqual({
      state: 'not enough data',
      samples: 9,
      overMs: 8_000,
      bytesPerHour: undefined,
      lowBytesPerHour: undefined,
      highBytesPerHour: undefined,
    })
  })

  test('is not moved by outliers', () => {
    const points = Array.from({ length: 40 }, (_, at) => {
      const bytes = 100 * mb + at * 10_000
      return [at * 10_000, at % 5 === 0 ? bytes + 300 * mb : bytes] as const
    })
    const trend = trendOf(points)
    expect(trend.state).toBe('growing')
    expect(trend.bytesPerHour).toBeCloseTo(3.6 * mb, -3)
  })

  test('of noise around a level is called steady, and of a falling heap shrinking', () => {
    const noise = Array.from(
      { length: 50 },
      (_, at) => [at * 5_000, ((at * 7_919) % 13) * mb] as const,
    )
    expect(trendOf(noise).state).toBe('steady')
    const falling = Array.from({ length: 50 }, (_, at) => [at * 5_000, (90 - at) * mb] as const)
    expect(trendOf(falling).state).toBe('shrinking')
  })

  test('lies within its interval, and the window within its bound', () => {
    const steps = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 2 ** 31 })),
      { minLength: 10, maxLength: 400 },
    )
    fc.assert(
      fc.property(steps, (given) => {
        let atMs = 0
        const trend = trendOf(given.map(([byMs, bytes]) => [(atMs += byMs), bytes] as const))
        expect(trend.samples).toBeLessThanOrEqual(60)
        if (trend.state === 'not enough data') return
        expect(trend.bytesPerHour).toBeGreaterThanOrEqual(trend.lowBytesPerHour as number)
        expect(trend.bytesPerHour).toBeLessThanOrEqual(trend.highBytesPerHour as number)
      }),
    )
  })

  test('looks back further the longer the process runs, up to an hour and more', () => {
    const points = Array.from({ length: 20_000 }, (_, at) => [at * 1_000, 100 * mb + at] as const)
    const trend = trendOf(points)
    expect(trend.overMs).toBeGreaterThan(1_800_000)
    expect(trend.bytesPerHour).toBeCloseTo(3_600, 0)
  })

  test('takes the least of what collections within a second left', () => {
    const window = new HeapTrendWindow()
    window.add(0, 50)
    window.add(500, 40)
    window.add(900, 60)
    expect(window.lastBytes).toBe(40)
    expect(window.trend().samples).toBe(1)
  })
})
