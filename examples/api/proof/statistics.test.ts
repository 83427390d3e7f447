import { describe, expect, test } from 'vitest'
import { latencies, median, quantile } from './statistics.ts'

describe('statistics', () => {
  test('the median does not depend on the order, and leaves its input alone', () => {
    const rounds = [9, 1, 5]
    expect(median(rounds)).toBe(5)
    expect(rounds).toEqual([9, 1, 5])
  })

  test('an even number of rounds gives the mean of the two in the middle', () => {
    expect(median([1, 2, 4, 100])).toBe(3)
  })

  test('quantiles interpolate between neighbours', () => {
    expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9)
    expect(quantile([7], 0.99)).toBe(7)
  })

  test('numbers are sorted as numbers', () => {
    expect(quantile([10, 9, 100], 1)).toBe(100)
  })

  test('nothing measured is not a number, rather than zero', () => {
    expect(median([])).toBeNaN()
  })

  test('latencies are the median and the 99th percentile', () => {
    const valuesMs = Array.from({ length: 101 }, (_, index) => index)
    expect(latencies(valuesMs)).toEqual({ p50Ms: 50, p99Ms: 99 })
  })
})
