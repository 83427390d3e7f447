import { expect, test } from 'vitest'
import type { Stored } from './usual-cache.ts'
import { createMemoryCache } from './usual-memory-cache.ts'

const ttlMs = 60_000

/** A load that ends when the test says so. */
function pendingLoad() {
  const { promise, resolve } = Promise.withResolvers<Stored>()
  let calls = 0
  const load = () => {
    calls++
    return promise
  }
  return {
    load,
    end: (json: string, ...tags: string[]) => resolve({ json, tags }),
    calls: () => calls,
  }
}

const never = () => expect.fail('it was in the cache')

test('simultaneous readers share a load, later ones what it brought', async () => {
  const cache = createMemoryCache()
  const loading = pendingLoad()
  const readers = [1, 2, 3].map(() => cache.getOrLoad('page', ttlMs, loading.load))
  loading.end('v1', 'user:1')
  expect(await Promise.all(readers)).toEqual(['v1', 'v1', 'v1'])
  expect(loading.calls()).toBe(1)
  expect(await cache.getOrLoad('page', ttlMs, never)).toBe('v1')
})

test('a write removes what shows it, and nothing else', async () => {
  const cache = createMemoryCache()
  await cache.getOrLoad('a', ttlMs, async () => ({ json: 'a1', tags: ['user:1', 'user:2'] }))
  await cache.getOrLoad('b', ttlMs, async () => ({ json: 'b1', tags: ['user:2'] }))
  await cache.invalidate('user:1')
  expect(await cache.getOrLoad('b', ttlMs, never)).toBe('b1')
  expect(await cache.getOrLoad('a', ttlMs, async () => ({ json: 'a2', tags: [] }))).toBe('a2')
  await cache.invalidate('user:2')
  expect(await cache.getOrLoad('a', ttlMs, never)).toBe('a2')
})

test('a load from before a write is not kept, and who asks after the write asks again', async () => {
  const cache = createMemoryCache()
  const old = pendingLoad()
  const before = cache.getOrLoad('page', ttlMs, old.load)
  await cache.invalidate('user:1')
  const after = ['first', 'second'].map((json) =>
    cache.getOrLoad('page', ttlMs, async () => ({ json, tags: ['user:1'] })),
  )
  old.end('old', 'user:1')
  expect(await before).toBe('old')
  expect(await Promise.all(after)).toEqual(['first', 'first'])
  expect(await cache.getOrLoad('page', ttlMs, never)).toBe('first')
})

test('a load from before a write that it does not show is kept, and shared with all', async () => {
  const cache = createMemoryCache()
  const loading = pendingLoad()
  const before = cache.getOrLoad('page', ttlMs, loading.load)
  await cache.invalidate('user:9')
  const after = cache.getOrLoad('page', ttlMs, never)
  loading.end('v1', 'user:1')
  expect(await Promise.all([before, after])).toEqual(['v1', 'v1'])
  expect(await cache.getOrLoad('page', ttlMs, never)).toBe('v1')
})

test('that there is no such thing is kept, a failed load is not', async () => {
  const cache = createMemoryCache()
  await cache.getOrLoad('gone', ttlMs, async () => ({ json: null, tags: ['user:1'] }))
  expect(await cache.getOrLoad('gone', ttlMs, never)).toBeNull()

  const failing = cache.getOrLoad('page', ttlMs, () => Promise.reject(new Error('no database')))
  await expect(failing).rejects.toThrow('no database')
  expect(await cache.getOrLoad('page', ttlMs, async () => ({ json: 'v', tags: [] }))).toBe('v')
})
