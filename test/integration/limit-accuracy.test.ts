import { startRedis } from '@hotpath/services'
import { afterAll, expect, test } from 'vitest'
import { measureAccuracy } from '../../bench/limit/accuracy.ts'

// The bench `limit-accuracy`, reduced: real processes, of which one is killed in the middle and one
// has a clock that is five minutes ahead, on a Redis that loses its scripts.

const server = await startRedis()
afterAll(() => server.close())

test.each([
  { keys: 1, policy: { limit: 400, windowMs: 1_000, burst: 400 } },
  { keys: 100, policy: { limit: 10, windowMs: 1_000, burst: 20 } },
])('four processes let no window of $keys keys see too many uses', async ({ keys, policy }) => {
  const run = { url: server.url, processes: 4, keys, policy, durationMs: 2_500 }
  const { excess, underUse } = await measureAccuracy(run)
  expect(excess).toBeLessThan(0.001)
  // The bench holds it to 1 %; here a machine that is busy with other tests must not fail it.
  expect(underUse).toBeLessThan(0.5)
})
