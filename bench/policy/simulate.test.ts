import { expect, test } from 'vitest'
import { lruHits, optimalHits, ownHits } from './simulate.ts'

test('each simulation counts the hits of a trace that can be counted by hand', () => {
  // Room for two: LRU forgets 1 when 3 comes, the optimum forgets what is not needed again.
  const trace = Int32Array.from([1, 2, 3, 1, 2, 1])
  expect(lruHits(trace, 2)).toBeCloseTo(100 / 6)
  expect(optimalHits(trace, 2)).toBeCloseTo(200 / 6)
  expect(ownHits(Int32Array.from([1, 1, 2, 2]), 2)).toBe(50)
})

test('the optimum is what a search of all choices finds', () => {
  const trace = Int32Array.from([1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5, 2, 2, 1])
  for (const size of [1, 2, 3, 4]) {
    expect(optimalHits(trace, size)).toBeCloseTo((100 * bestHits(trace, size)) / trace.length)
  }
})

function bestHits(trace: Int32Array, size: number, at = 0, held: readonly number[] = []): number {
  if (at === trace.length) return 0
  const key = trace[at] as number
  if (held.includes(key)) return 1 + bestHits(trace, size, at + 1, held)
  if (held.length < size) return bestHits(trace, size, at + 1, [...held, key])
  return Math.max(
    ...held.map((leaving) =>
      bestHits(trace, size, at + 1, [...held.filter((one) => one !== leaving), key]),
    ),
  )
}
