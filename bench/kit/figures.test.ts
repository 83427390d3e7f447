import { expect, test } from 'vitest'
import { Samples } from './figures.ts'

function twoContenders(): Samples {
  const samples = new Samples()
  // The second round ran on a machine that was twice as slow; the third favoured `old`.
  for (const [old, next] of [
    [100, 200],
    [50, 100],
    [120, 180],
  ] as const) {
    samples.add('load', 'old', { perSecond: old })
    samples.add('load', 'next', { perSecond: next })
  }
  return samples
}

test('medians are taken over the rounds', () => {
  expect(twoContenders().median('load', 'old', 'perSecond')).toBe(100)
  expect(twoContenders().medians('next')).toEqual({ 'load.perSecond': 180 })
})

test('a ratio is taken within each round, so that a slow round does not bend it', () => {
  expect(twoContenders().ratio('load', 'next', 'old', 'perSecond')).toBe(2)
})

test('a difference is taken within each round', () => {
  expect(twoContenders().difference('load', 'next', 'old', 'perSecond')).toBe(60)
})

test('a metric that was never measured is an error, not NaN', () => {
  expect(() => twoContenders().median('load', 'old', 'p99Ms')).toThrow('old has no p99Ms at load')
})
