import { describe, expect, test } from 'vitest'
import { Random } from '../../data/random.ts'
import { createZipf } from './zipf.ts'

describe('zipf', () => {
  test('with exponent 1 the first rank comes up twice as often as the second, ten times the tenth', () => {
    const counts = count(1, 200_000)
    const [first, second] = counts
    const tenth = counts[9] ?? 0
    expect(first / second).toBeCloseTo(2, 0)
    expect(first / tenth).toBeGreaterThan(9)
    expect(first / tenth).toBeLessThan(11)
  })

  test('with exponent 0 all ranks are equal', () => {
    const counts = count(0, 200_000)
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.2)
  })

  test('every rank can be drawn, and a single one always is', () => {
    const next = createZipf(['a', 'b', 'c'], 1, new Random(1))
    expect(new Set(Array.from({ length: 100 }, next))).toEqual(new Set(['a', 'b', 'c']))
    expect(createZipf(['only'], 1, new Random(1))()).toBe('only')
  })

  test('the same seed draws the same ids', () => {
    const draw = () => {
      const next = createZipf([1, 2, 3, 4, 5], 1, new Random(7))
      return Array.from({ length: 20 }, next)
    }
    expect(draw()).toEqual(draw())
  })

  test('nothing to draw from is refused', () => {
    expect(() => createZipf([], 1, new Random(1))).toThrow(RangeError)
  })
})

/** How often each of a hundred ranks was drawn. */
function count(exponent: number, draws: number): [number, number, ...number[]] {
  const ranks = Array.from({ length: 100 }, (_, index) => index)
  const next = createZipf(ranks, exponent, new Random(42))
  const drawn = Map.groupBy(Array.from({ length: draws }, next), (rank) => rank)
  const [first = 0, second = 0, ...others] = ranks.map((rank) => drawn.get(rank)?.length ?? 0)
  return [first, second, ...others]
}
