import { expect, test } from 'vitest'
import type { OutageCache } from './bench.ts'
import { callersOfEach, giveUpMs, OutageCallers } from './outage-callers.ts'

/** A cache in memory whose Redis part answers at once, or never. */
function createCache() {
  const memory = new Map<string, unknown>()
  const redis = new Map<string, unknown>()
  const cache = {
    isAway: false,
    loads: 0,
    /** Calls that found it away. */
    stranded: 0,
    async getOrSet(key: string, load: () => Promise<string>) {
      if (memory.has(key)) return memory.get(key)
      if (cache.isAway) cache.stranded++
      await cache.answer()
      const value = await load()
      cache.loads++
      memory.set(key, value)
      return value
    },
    async write(key: string, value: string) {
      await cache.answer()
      redis.set(key, value)
    },
    async read(key: string) {
      await cache.answer()
      return redis.get(key)
    },
    answer: () => (cache.isAway ? new Promise<void>(() => {}) : Promise.resolve()),
  }
  return cache satisfies OutageCache
}

async function loadsMore(cache: { loads: number }): Promise<void> {
  const before = cache.loads
  const enough = before + 3 * callersOfEach
  await expect.poll(() => cache.loads, { timeout: 10_000 }).toBeGreaterThan(enough)
}

test('tells apart what callers saw before, during and after an outage', async () => {
  const cache = createCache()
  const callers = new OutageCallers(cache)
  await callers.take('begin')
  await loadsMore(cache)
  await callers.take('broken')
  cache.isAway = true
  // More than there are callers: some have given up, and called again.
  await expect.poll(() => cache.stranded, { timeout: 10_000 }).toBeGreaterThan(callersOfEach)
  cache.isAway = false
  await callers.take('back')
  await callers.take('recover')
  // Those who waited when it came back give up first.
  await loadsMore(cache)
  callers.countUnhandled()
  const sample = (await callers.take('end')) ?? {}

  expect(sample).toMatchObject({ hung: expect.any(Number), failed: 0, unhandled: 1 })
  expect(sample['hung']).toBeGreaterThan(0)
  expect(sample['recoveryMs']).toBeLessThan(giveUpMs)
  expect(sample['cold.before.worstMs']).toBeLessThan(giveUpMs)
  expect(sample['cold.to200ms.worstMs']).toBeGreaterThan(giveUpMs - 2)
  expect(sample['cold.after.p50Ms']).toBeLessThan(giveUpMs)
  expect(sample['warm.to200ms.p99Ms']).toBeLessThan(giveUpMs)
})

test('a phase in which nobody called has no figures', async () => {
  const callers = new OutageCallers(createCache())
  await callers.take('begin')
  const sample = (await callers.take('end')) ?? {}
  expect(sample['warm.from600ms.p50Ms']).toBeNaN()
  expect(sample['recoveryMs']).toBe(Infinity)
})

test('a wrong answer counts as failed', async () => {
  const callers = new OutageCallers({ ...createCache(), getOrSet: async () => 'another' })
  await callers.take('begin')
  const sample = (await callers.take('end')) ?? {}
  expect(sample['failed']).toBeGreaterThan(0)
})
