import { describe, expect, test } from 'vitest'
import { createManualClock } from '../index.ts'
import { createCache, type CacheOptions, type Loader } from './index.ts'

const settled = () => new Promise(setImmediate)
const invalidOption = { code: 'HOTPATH_OPTION_INVALID' }
const invalidKey = { code: 'HOTPATH_CACHE_KEY_INVALID' }

describe('options', () => {
  const notDurations = [-1, Number.NaN, Infinity, '5', null, {}, true]

  test.each(['staleMs', 'staleIfErrorMs', 'softTimeoutMs', 'hardTimeoutMs'])(
    'of %s only a duration or false',
    async (name) => {
      await using cache = createCache({ staleIfErrorMs: 1_000 })
      for (const value of notDurations) {
        const options = { staleIfErrorMs: 1_000, [name]: value } as CacheOptions
        // The default is taken for what is undefined, and null is not undefined.
        if (value !== null) expect(() => createCache(options)).toThrow(`${name} must be`)
        await expect(cache.getOrSet('key', () => 1, { [name]: value })).rejects.toMatchObject(
          invalidOption,
        )
      }
      expect(await cache.getOrSet('key', () => 1, { [name]: false })).toBe(1)
    },
  )

  test.each([
    [{ ttlJitterRatio: 1.1 }, 'ttlJitterRatio must be a share'],
    [{ ttlJitterRatio: -0.1 }, 'ttlJitterRatio must be a share'],
    [{ ttlJitterRatio: Number.NaN }, 'ttlJitterRatio must be a share'],
    [{ earlyRefresh: -1 }, 'earlyRefresh must be a number above 0'],
    [{ earlyRefresh: 0 }, 'earlyRefresh must be a number above 0'],
    [{ earlyRefresh: Infinity }, 'earlyRefresh must be a number above 0'],
    [{ softTimeoutMs: 10 }, 'staleIfErrorMs is off'],
    [{ staleIfErrorMs: 10, softTimeoutMs: 20, hardTimeoutMs: 10 }, 'at least softTimeoutMs'],
    [{ hardTimeoutMs: 2 ** 31 }, 'the longest that a timer can wait'],
    [{ memory: { busLostMs: 0 } }, 'memory.busLostMs must be'],
  ])('%o contradict themselves', (options, message) => {
    expect(() => createCache(options)).toThrow(message)
  })

  test('of a call contradict themselves as those of the cache do', async () => {
    await using cache = createCache({ staleIfErrorMs: 100, softTimeoutMs: 20 })
    const ask = (options: object) => cache.getOrSet('key', () => 1, options)
    await expect(ask({ hardTimeoutMs: 10 })).rejects.toMatchObject(invalidOption)
    await expect(ask({ softTimeoutMs: 10, staleIfErrorMs: false })).rejects.toMatchObject(
      invalidOption,
    )
    // A call that keeps nothing stale is not bound by what the cache says of stale values.
    expect(await ask({ staleIfErrorMs: false })).toBe(1)
  })
})

describe('keys and values', () => {
  test('refuses what is no key, in every method', async () => {
    await using cache = createCache()
    for (const value of [undefined, null, 1, {}, Symbol('key'), '', 'x'.repeat(2_049)]) {
      const key = value as string
      await expect(cache.getMany(['good', key])).rejects.toMatchObject(invalidKey)
      await expect(
        cache.setMany([
          ['good', 1],
          [key, 2],
        ]),
      ).rejects.toMatchObject(invalidKey)
      await expect(cache.expireTags([key])).rejects.toMatchObject(invalidKey)
      expect(cache.peek(key)).toBeUndefined()
    }
    expect(cache.peek('good')).toBeUndefined()
  })

  test('refuses a text where a list is asked for', async () => {
    await using cache = createCache()
    const text = 'user:1' as unknown as string[]
    await expect(cache.getMany(text)).rejects.toMatchObject(invalidKey)
    await expect(cache.invalidateTags(text)).rejects.toMatchObject(invalidKey)
    await expect(cache.expireTags(text)).rejects.toMatchObject(invalidKey)
    await expect(cache.set('key', 1, { tags: text })).rejects.toMatchObject(invalidKey)
  })

  test('keeps in memory what could not be sent anywhere', async () => {
    await using cache = createCache()
    const value = { call: () => 1, symbol: Symbol('s') }
    expect(await cache.getOrSet('key', () => value)).toBe(value)
    expect(cache.peek('key')).toBe(value)
  })
})

describe('loaders', () => {
  test('that are none are refused', async () => {
    await using cache = createCache()
    for (const load of [undefined, null, 'text', Promise.resolve(1)]) {
      const asked = cache.getOrSet('key', load as unknown as Loader<number>)
      await expect(asked).rejects.toMatchObject(invalidOption)
    }
    expect(cache.stats().loads).toBe(0)
  })

  test.each([[undefined], [null], ['text'], [0], [{ status: 500 }]])(
    'that throw %o make it the failure of all who wait',
    async (thrown) => {
      await using cache = createCache()
      const throwAtOnce = () => {
        throw thrown
      }
      for (const load of [throwAtOnce, () => Promise.reject(thrown)]) {
        const outcomes = await Promise.allSettled([
          cache.getOrSet('key', load),
          cache.getOrSet('key', load),
        ])
        expect(outcomes).toEqual([
          { status: 'rejected', reason: thrown },
          { status: 'rejected', reason: thrown },
        ])
      }
      expect(cache.stats()).toMatchObject({ loads: 2, loadErrors: 2, entries: 0 })
    },
  )

  test('that decide on no duration fail', async () => {
    await using cache = createCache()
    for (const name of ['ttlMs', 'staleMs', 'staleIfErrorMs'] as const) {
      const load: Loader<number> = (context) => {
        context[name] = Number.NaN
        return 1
      }
      await expect(cache.getOrSet('key', load)).rejects.toMatchObject(invalidOption)
    }
    expect(cache.stats().entries).toBe(0)
  })

  test('that ignore that they were given up change nothing any more', async () => {
    const clock = createManualClock()
    await using cache = createCache<string>({ clock })
    const gate = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    const asked = cache.getOrSet(
      'key',
      async ({ addTags }) => {
        await gate.promise
        addTags(['late'])
        ended.resolve()
        return 'ignored'
      },
      { hardTimeoutMs: 10 },
    )
    clock.advance(10)
    await expect(asked).rejects.toMatchObject({ code: 'HOTPATH_CACHE_LOAD_TIMEOUT' })
    expect(await cache.getOrSet('key', () => 'kept')).toBe('kept')
    gate.resolve()
    await ended.promise
    await settled()
    expect(cache.peek('key')).toBe('kept')
  })

  test('are not called for who left before, and not disturbed by who leaves after', async () => {
    await using cache = createCache<number>()
    const leaving = new AbortController()
    const asked = cache.getOrSet('key', () => 1, { signal: leaving.signal })
    expect(await asked).toBe(1)
    leaving.abort()
    expect(await cache.getOrSet('key', () => 2, { signal: leaving.signal })).toBe(1)
    const gone = cache.getOrSet('other', () => 2, { signal: leaving.signal })
    await expect(gone).rejects.toThrow('aborted')
    expect(cache.stats().loads).toBe(1)
  })
})
