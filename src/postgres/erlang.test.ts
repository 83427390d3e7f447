import { expect, test } from 'vitest'
import { serversFor, waitingRatio } from './erlang.ts'

// From the closed forms for one, two and three servers, and from published tables.
test.each([
  [1, 0.5, 0.5],
  [2, 1, 1 / 3],
  [3, 2, 4 / 9],
  [10, 5, 0.0361],
  [10, 8, 0.4092],
  [100, 90, 0.2169],
  [4, 4, 1],
  [4, 0, 0],
])('with %d servers and a load of %d, %d of them wait', (servers, load, ratio) => {
  expect(waitingRatio(servers, load)).toBeCloseTo(ratio, 3)
})

test('the fewest servers that meet the goal', () => {
  expect(serversFor(0, 0.05)).toBe(1)
  for (const load of [0.1, 1, 4.5, 20, 300]) {
    const servers = serversFor(load, 0.05)
    expect(waitingRatio(servers, load)).toBeLessThanOrEqual(0.05)
    expect(waitingRatio(servers - 1, load)).toBeGreaterThan(0.05)
  }
})

test('follows the square-root rule', () => {
  // The multiple of the root for 5 % that wait, from Halfin and Whitt's formula.
  for (const load of [4, 25, 100, 900]) {
    const byRule = load + 1.74 * Math.sqrt(load)
    expect(Math.abs(serversFor(load, 0.05) - byRule)).toBeLessThan(2)
  }
})
