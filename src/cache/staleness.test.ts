import { afterEach, describe, expect, test, vi } from 'vitest'
import { createManualClock, listen } from '../index.ts'
import { createCache, type Cache, type CacheOptions, type LoadContext } from './index.ts'

const settled = () => new Promise(setImmediate)
const fails = () => Promise.reject(new Error('database is gone'))

function open(options: CacheOptions) {
  const clock = createManualClock()
  return { clock, cache: createCache<string>({ clock, ttlMs: 100, ...options }) }
}

/** What `getOrSet` answers, and whether it said that this is stale. */
async function ask(cache: Cache<string>, load: (context: LoadContext) => string | Promise<string>) {
  let isStale = false
  const value = await cache.getOrSet('key', load, { onStale: () => (isStale = true) })
  return isStale ? `stale ${value}` : value
}

describe('staleMs', () => {
  test('serves the stale value and loads anew once, in the background', async () => {
    const { cache, clock } = open({ staleMs: 50 })
    await cache.set('key', 'old')
    clock.advance(100)
    const gate = Promise.withResolvers<string>()
    let loads = 0
    const load = () => {
      loads++
      return gate.promise
    }
    expect(await Promise.all([ask(cache, load), ask(cache, load)])).toEqual([
      'stale old',
      'stale old',
    ])
    expect(await ask(cache, load)).toBe('stale old')
    expect(loads).toBe(1)
    gate.resolve('new')
    await settled()
    expect(await ask(cache, load)).toBe('new')
    expect(cache.stats()).toMatchObject({ hits: 4, misses: 0, stale: 3, loads: 1, refreshes: 1 })
    await cache.close()
  })

  test('ends: then the value is missing', async () => {
    const { cache, clock } = open({ staleMs: 50 })
    await cache.set('key', 'old')
    clock.advance(149)
    expect(await ask(cache, fails)).toBe('stale old')
    clock.advance(1)
    await expect(ask(cache, fails)).rejects.toThrow('database is gone')
    expect(cache.stats().entries).toBe(0)
    await cache.close()
  })

  test('only a call that can load is served stale', async () => {
    const { cache, clock } = open({ staleMs: 50 })
    await cache.set('key', 'old')
    clock.advance(100)
    expect(cache.peek('key')).toBeUndefined()
    expect(await cache.get('key')).toBeUndefined()
    expect((await cache.getMany(['key'])).size).toBe(0)
    expect(await ask(cache, () => 'new')).toBe('stale old')
    await cache.close()
  })

  test('a refresh that fails is announced, keeps the value and is not repeated for a second', async () => {
    const { cache, clock } = open({ staleMs: 5_000 })
    await cache.set('key', 'old')
    clock.advance(100)
    const heard: unknown[] = []
    const stop = listen('hotpath:cache:load', ({ isRefresh, error }) =>
      heard.push([isRefresh, error]),
    )
    expect(await ask(cache, fails)).toBe('stale old')
    await settled()
    clock.advance(999)
    expect(await ask(cache, () => 'too soon')).toBe('stale old')
    clock.advance(1)
    expect(await ask(cache, () => 'new')).toBe('stale old')
    await settled()
    expect(await ask(cache, fails)).toBe('new')
    stop()
    expect(heard).toEqual([
      [true, expect.objectContaining({ message: 'database is gone' })],
      [true, undefined],
    ])
    await cache.close()
  })

  test('with isRefreshAwaited the call that begins the refresh waits for it, and no other', async () => {
    const { cache, clock } = open({ staleMs: 50 })
    await cache.set('key', 'old')
    clock.advance(100)
    const gate = Promise.withResolvers<string>()
    let isCalled = false
    const load = () => {
      isCalled = true
      return gate.promise
    }
    const first = cache.getOrSet('key', load, { isRefreshAwaited: true })
    expect(isCalled).toBe(true)
    expect(await cache.getOrSet('key', load, { isRefreshAwaited: true })).toBe('old')
    gate.resolve('new')
    expect(await first).toBe('new')
    await cache.close()
  })

  test('a call may say otherwise, and so may the loader', async () => {
    const { cache, clock } = open({ staleMs: 50 })
    await cache.set('none', 'old', { staleMs: false })
    await cache.set('more', 'old', { staleMs: 500 })
    const load = (context: LoadContext) => {
      context.staleMs = 1_000
      context.ttlMs = 10
      return 'old'
    }
    await cache.getOrSet('loaded', load)
    clock.advance(400)
    expect(await cache.getOrSet('none', () => 'new')).toBe('new')
    expect(await cache.getOrSet('more', () => 'new')).toBe('old')
    expect(await cache.getOrSet('loaded', () => 'new')).toBe('old')
    await cache.close()
  })

  test('what is missing is never served stale', async () => {
    const { cache, clock } = open({ staleMs: 50, staleIfErrorMs: 50 })
    await cache.getOrSet('key', () => undefined as unknown as string)
    clock.advance(100)
    expect(await ask(cache, () => 'made meanwhile')).toBe('made meanwhile')
    await cache.close()
  })

  test('is seen as stale by those who listen', async () => {
    const { cache, clock } = open({ staleMs: 50 })
    await cache.set('key', 'old')
    clock.advance(100)
    const verdicts: unknown[] = []
    const stop = listen('hotpath:cache:read', ({ verdict, tier }) => verdicts.push([verdict, tier]))
    await ask(cache, () => 'new')
    stop()
    expect(verdicts).toEqual([['stale', 'memory']])
    await cache.close()
  })
})

describe('staleIfErrorMs', () => {
  test('serves the stale value to all who waited for a load that failed', async () => {
    const { cache, clock } = open({ staleIfErrorMs: 50 })
    await cache.set('key', 'old')
    clock.advance(149)
    expect(await Promise.all([ask(cache, fails), ask(cache, fails)])).toEqual([
      'stale old',
      'stale old',
    ])
    expect(cache.stats()).toMatchObject({ hits: 2, stale: 2, loads: 1, loadErrors: 1 })
    // For a second nobody waits for another failure.
    expect(await ask(cache, () => 'too soon')).toBe('stale old')
    clock.advance(1)
    await expect(ask(cache, fails)).rejects.toThrow('database is gone')
    await cache.close()
  })

  test('a load that works is waited for', async () => {
    const { cache, clock } = open({ staleIfErrorMs: 50 })
    await cache.set('key', 'old')
    clock.advance(100)
    expect(await ask(cache, () => 'new')).toBe('new')
    expect(cache.stats()).toMatchObject({ stale: 0, refreshes: 0 })
    await cache.close()
  })

  test('nothing that was invalidated meanwhile is served', async () => {
    const { cache, clock } = open({ staleIfErrorMs: 50 })
    await cache.set('key', 'old', { tags: ['tag'] })
    clock.advance(100)
    const gate = Promise.withResolvers<string>()
    const asked = ask(cache, () => gate.promise)
    await cache.invalidateTags(['tag'])
    gate.reject(new Error('database is gone'))
    await expect(asked).rejects.toThrow('database is gone')
    await cache.close()
  })
})

describe('expireTags', () => {
  test('makes values stale at once, for their own times', async () => {
    const { cache, clock } = open({ staleMs: 20, staleIfErrorMs: 50 })
    await cache.set('key', 'old', { tags: ['tag'] })
    await cache.expireTags(['tag', 'never used'])
    expect(cache.peek('key')).toBeUndefined()
    expect(await ask(cache, fails)).toBe('stale old')
    await settled()
    clock.advance(49)
    expect(await ask(cache, fails)).toBe('stale old')
    clock.advance(1)
    await expect(ask(cache, fails)).rejects.toThrow('database is gone')
    await cache.close()
  })

  test('is an invalidation where nothing stale is served', async () => {
    const { cache } = open({})
    await cache.set('key', 'old', { tags: ['tag'] })
    await cache.expireTags(['tag'])
    expect(await ask(cache, () => 'new')).toBe('new')
    await cache.close()
  })

  test('what a load brings that began before is stale', async () => {
    const { cache } = open({ staleMs: 50 })
    const gate = Promise.withResolvers<string>()
    const before = cache.getOrSet('key', () => gate.promise, { tags: ['tag'] })
    await cache.expireTags(['tag'])
    gate.resolve('old')
    expect(await before).toBe('old')
    expect(cache.peek('key')).toBeUndefined()
    expect(await ask(cache, () => 'new')).toBe('stale old')
    await settled()
    expect(await ask(cache, fails)).toBe('new')
    await cache.close()
  })

  test('an older load that ends last does not take the place of a younger one', async () => {
    const { cache } = open({ staleMs: 50 })
    const older = Promise.withResolvers<string>()
    const first = cache.getOrSet('key', () => older.promise, { tags: ['tag'] })
    await cache.expireTags(['tag'])
    expect(await cache.getOrSet('key', () => 'younger', { tags: ['tag'] })).toBe('younger')
    older.resolve('older')
    expect(await first).toBe('older')
    expect(cache.peek('key')).toBe('younger')
    await cache.close()
  })

  test('a key that is deleted after it keeps nothing of the loads from before', async () => {
    const { cache } = open({ staleMs: 50 })
    const gate = Promise.withResolvers<string>()
    const first = cache.getOrSet('key', () => gate.promise, { tags: ['tag'] })
    await cache.expireTags(['tag'])
    const second = cache.getOrSet('key', () => gate.promise, { tags: ['tag'] })
    await cache.delete('key')
    gate.resolve('old')
    await Promise.all([first, second])
    expect(await ask(cache, () => 'new')).toBe('new')
    await cache.close()
  })
})

describe('chance', () => {
  afterEach(() => vi.restoreAllMocks())

  test('ttlJitterRatio shortens each TTL by up to its share', async () => {
    const random = vi.spyOn(Math, 'random')
    const { cache, clock } = open({ ttlJitterRatio: 0.2 })
    random.mockReturnValue(0)
    await cache.set('whole', 'value')
    random.mockReturnValue(0.5)
    await cache.set('half', 'value')
    clock.advance(90)
    expect(cache.peek('half')).toBeUndefined()
    clock.advance(9)
    expect(cache.peek('whole')).toBe('value')
    await cache.close()
  })

  test('earlyRefresh loads anew before the end, the earlier the longer the load took', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(Math.exp(-2))
    const { cache, clock } = open({ earlyRefresh: 1 })
    const load = (value: string) => () => {
      clock.advance(10)
      return value
    }
    expect(await ask(cache, load('old'))).toBe('old')
    // This draw comes to twice the time that the load took: 20 ms before the end.
    clock.advance(79)
    expect(await ask(cache, load('new'))).toBe('old')
    expect(cache.stats()).toMatchObject({ refreshes: 0 })
    clock.advance(1)
    expect(cache.peek('key')).toBeUndefined()
    expect(await cache.get('key')).toBe('old')
    random.mockReturnValue(1)
    // Drawn once, it is due for whoever can load.
    expect(await ask(cache, load('new'))).toBe('old')
    await settled()
    expect(cache.stats()).toMatchObject({ loads: 2, refreshes: 1, stale: 0 })
    expect(await ask(cache, load('unused'))).toBe('new')
    await cache.close()
  })

  test('a value that was set has no load time, and is not refreshed early', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(Number.MIN_VALUE)
    const { cache, clock } = open({ earlyRefresh: 1 })
    await cache.set('key', 'set')
    clock.advance(99)
    expect(await ask(cache, () => 'unused')).toBe('set')
    expect(cache.stats().loads).toBe(0)
    await cache.close()
  })
})
