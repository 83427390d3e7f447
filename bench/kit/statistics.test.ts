import { describe, expect, test } from 'vitest'
import { median, quantile, summarise } from './statistics.ts'

describe('quantile', () => {
  const sorted = Float64Array.of(1, 2, 3, 4, 5)

  test('takes the value where one stands at the place', () => {
    expect(quantile(sorted, 0)).toBe(1)
    expect(quantile(sorted, 0.25)).toBe(2)
    expect(quantile(sorted, 1)).toBe(5)
  })

  test('interpolates between two neighbours', () => {
    expect(quantile(sorted, 0.99)).toBeCloseTo(4.96)
    expect(quantile(Float64Array.of(10, 20), 0.5)).toBe(15)
  })

  test('refuses to make a figure out of nothing', () => {
    expect(() => quantile(new Float64Array(), 0.5)).toThrow(RangeError)
  })
})

describe('median', () => {
  test('sorts by value, not by text, and leaves the values as they were', () => {
    const values = [100, 9, 20]
    expect(median(values)).toBe(20)
    expect(values).toEqual([100, 9, 20])
  })

  test('is the mean of the two in the middle of an even number', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5)
  })
})

test('summarise gives the middle half', () => {
  expect(summarise([5, 1, 4, 2, 3])).toEqual({ median: 3, lowerQuartile: 2, upperQuartile: 4 })
})
