import { expect, test } from 'vitest'
import { createManualClock } from '../index.ts'
import { createCache } from './index.ts'

test('getMany has what is there, "there is no such thing" included', async () => {
  await using cache = createCache<number | undefined>()
  await cache.set('one', 1)
  await cache.set('none', undefined)
  const found = await cache.getMany(['one', 'unknown', 'none', 'one'])
  expect([...found]).toEqual([
    ['one', 1],
    ['none', undefined],
  ])
  expect(cache.stats()).toMatchObject({ hits: 2, misses: 1 })
  expect((await cache.getMany([])).size).toBe(0)
})

test('setMany keeps all with the same options', async () => {
  const clock = createManualClock()
  await using cache = createCache<number>({ clock })
  await cache.setMany(
    new Map([
      ['one', 1],
      ['two', 2],
    ]),
    { ttlMs: 100, tags: ['tag'] },
  )
  expect([...(await cache.getMany(['one', 'two'])).values()]).toEqual([1, 2])
  clock.advance(100)
  expect((await cache.getMany(['one', 'two'])).size).toBe(0)
  await cache.setMany([['one', 1]], { tags: ['tag'] })
  await cache.invalidateTags(['tag'])
  expect(cache.peek('one')).toBeUndefined()
})

test('setMany outdates the loads of its keys', async () => {
  await using cache = createCache<string>()
  const gate = Promise.withResolvers<string>()
  const before = cache.getOrSet('key', () => gate.promise)
  await cache.setMany([['key', 'set']])
  gate.resolve('old')
  expect(await before).toBe('old')
  expect(cache.peek('key')).toBe('set')
})
