import { describe, expect, test } from 'vitest'
import { components, createManualClock, listen, runInRequest, requestContext } from '../index.ts'
import { createCache, type LoadContext } from './index.ts'

describe('reading and writing', () => {
  test('keeps a value for its TTL and not longer', async () => {
    const clock = createManualClock()
    await using cache = createCache<string>({ ttlMs: 1_000, clock })
    await cache.set('greeting', 'hello')
    clock.advance(999)
    expect(await cache.get('greeting')).toBe('hello')
    clock.advance(1)
    expect(await cache.get('greeting')).toBeUndefined()
    expect(cache.stats().entries).toBe(0)
  })

  test('a TTL of the call counts more than that of the cache', async () => {
    const clock = createManualClock()
    await using cache = createCache<string>({ ttlMs: 1_000, clock })
    await cache.set('short', 'a', { ttlMs: 10 })
    await cache.getOrSet('long', () => 'b', { ttlMs: 5_000 })
    clock.advance(10)
    expect(cache.peek('short')).toBeUndefined()
    clock.advance(4_000)
    expect(cache.peek('long')).toBe('b')
  })

  test('keeps one hour where nothing is said', async () => {
    const clock = createManualClock()
    await using cache = createCache({ clock })
    await cache.set('key', 1)
    clock.advance(3_600_000 - 1)
    expect(cache.peek('key')).toBe(1)
    clock.advance(1)
    expect(cache.peek('key')).toBeUndefined()
  })

  test('returns what is in memory by reference, without waiting', async () => {
    await using cache = createCache<{ id: number }>()
    const user = { id: 1 }
    await cache.set('user:1', user)
    expect(cache.peek('user:1')).toBe(user)
  })

  test('deletes', async () => {
    await using cache = createCache()
    await cache.set('key', 1)
    await cache.delete('key')
    await cache.delete('never there')
    expect(await cache.get('key')).toBeUndefined()
  })

  test('stays within its bounds', async () => {
    await using cache = createCache<string>({ memory: { maxEntries: 100, maxBytes: 10_000 } })
    for (let number = 0; number < 500; number++) {
      await cache.set(`key-${number}`, 'x'.repeat(number % 300))
    }
    await cache.set('huge', 'x'.repeat(20_000))
    const { entries, evictions, memory } = cache.stats()
    expect(entries).toBeLessThanOrEqual(100)
    expect(memory?.bytes).toBeLessThanOrEqual(10_000)
    expect(evictions).toBe(500 - entries)
    expect(cache.peek('huge')).toBeUndefined()
  })
})

describe('getOrSet', () => {
  test('loads once and then answers from memory', async () => {
    await using cache = createCache<number>()
    let loads = 0
    const load = () => ++loads
    expect(await cache.getOrSet('key', load)).toBe(1)
    expect(await cache.getOrSet('key', load)).toBe(1)
    expect(cache.stats()).toMatchObject({ hits: 1, misses: 1, hitRatio: 0.5, loads: 1, entries: 1 })
  })

  test('a thousand simultaneous callers share one load', async () => {
    await using cache = createCache<number>()
    let loads = 0
    const gate = Promise.withResolvers<number>()
    const load = () => {
      loads++
      return gate.promise
    }
    const callers = Array.from({ length: 1_000 }, () => cache.getOrSet('key', load))
    gate.resolve(7)
    expect(new Set(await Promise.all(callers))).toEqual(new Set([7]))
    expect(loads).toBe(1)
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 1_000, loads: 1 })
  })

  test('a load that fails fails for all who wait and is tried anew', async () => {
    await using cache = createCache<number>()
    const failure = new Error('database is gone')
    const gate = Promise.withResolvers<number>()
    const callers = Array.from({ length: 10 }, () => cache.getOrSet('key', () => gate.promise))
    gate.reject(failure)
    const outcomes = await Promise.allSettled(callers)
    expect(outcomes.every((one) => one.status === 'rejected' && one.reason === failure)).toBe(true)
    expect(await cache.getOrSet('key', () => 2)).toBe(2)
    expect(cache.stats()).toMatchObject({ loads: 2, loadErrors: 1 })
  })

  test('a loader that throws at once is a load that fails', async () => {
    await using cache = createCache<number>()
    const load = () => {
      throw new Error('no such table')
    }
    await expect(cache.getOrSet('key', load)).rejects.toThrow('no such table')
    expect(cache.stats().entries).toBe(0)
  })

  test('a loader decides how long its value is kept, or that it is not', async () => {
    const clock = createManualClock()
    await using cache = createCache<string>({ clock })
    await cache.getOrSet('token', (context) => {
      context.ttlMs = 500
      return 'secret'
    })
    await cache.getOrSet('draft', (context) => {
      context.ttlMs = false
      return 'unfinished'
    })
    expect(cache.peek('token')).toBe('secret')
    expect(cache.peek('draft')).toBeUndefined()
    clock.advance(500)
    expect(cache.peek('token')).toBeUndefined()
  })

  test('caches that there is no such thing, for a shorter time', async () => {
    const clock = createManualClock()
    await using cache = createCache<string | null | undefined>({ clock })
    let loads = 0
    const missing = (answer: null | undefined) => () => {
      loads++
      return answer
    }
    expect(await cache.getOrSet('undefined', missing(undefined))).toBeUndefined()
    expect(await cache.getOrSet('undefined', missing(undefined))).toBeUndefined()
    expect(await cache.getOrSet('null', missing(null))).toBeNull()
    expect(await cache.getOrSet('null', missing(null))).toBeNull()
    expect(loads).toBe(2)
    clock.advance(60_000)
    expect(await cache.getOrSet('null', () => 'made meanwhile')).toBe('made meanwhile')
  })

  test('what is missing is never kept longer than a value would be', async () => {
    const clock = createManualClock()
    await using cache = createCache({ clock, negativeTtlMs: 10_000 })
    await cache.getOrSet('key', () => undefined, { ttlMs: 1_000 })
    clock.advance(1_000)
    expect(await cache.getOrSet('key', () => 1)).toBe(1)
  })
})

describe('signals', () => {
  test('a caller who leaves does not disturb the others', async () => {
    await using cache = createCache<number>()
    const gate = Promise.withResolvers<number>()
    const leaving = new AbortController()
    let loadSignal: AbortSignal | undefined
    const first = cache.getOrSet(
      'key',
      ({ signal }) => {
        loadSignal = signal
        return gate.promise
      },
      { signal: leaving.signal },
    )
    const second = cache.getOrSet('key', () => -1)
    leaving.abort(new Error('client went away'))
    await expect(first).rejects.toThrow('client went away')
    expect(loadSignal?.aborted).toBe(false)
    gate.resolve(5)
    expect(await second).toBe(5)
    expect(cache.peek('key')).toBe(5)
  })

  test('the load is given up with the last caller, and not joined after that', async () => {
    await using cache = createCache<number>()
    const callers = [new AbortController(), new AbortController()]
    let loadSignal: AbortSignal | undefined
    const waiting = callers.map(({ signal: callerSignal }) =>
      cache.getOrSet(
        'key',
        ({ signal }) => {
          loadSignal = signal
          return new Promise<number>((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error))
          })
        },
        { signal: callerSignal },
      ),
    )
    const outcomes = Promise.allSettled(waiting)
    callers[0]?.abort()
    expect(loadSignal?.aborted).toBe(false)
    callers[1]?.abort()
    expect(loadSignal?.aborted).toBe(true)
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await cache.getOrSet('key', () => 3)).toBe(3)
  })

  test('a load that ignores its signal is not kept once everybody has left', async () => {
    await using cache = createCache<number>()
    const gate = Promise.withResolvers<number>()
    const leaving = new AbortController()
    const load = () => gate.promise
    const caller = cache.getOrSet('key', load, { signal: leaving.signal })
    leaving.abort()
    await expect(caller).rejects.toThrow('aborted')
    gate.resolve(1)
    await gate.promise
    expect(await cache.getOrSet('key', () => 2)).toBe(2)
  })

  test('a caller who is gone already starts nothing', async () => {
    await using cache = createCache<number>()
    const load = () => 1
    await expect(cache.getOrSet('key', load, { signal: AbortSignal.abort() })).rejects.toThrow()
    expect(cache.stats().loads).toBe(0)
  })
})

describe('invalidation', () => {
  test('forgets every value with one of the tags and no other', async () => {
    await using cache = createCache<number>()
    await cache.set('post:1', 1, { tags: ['post:1', 'user:7'] })
    await cache.set('post:2', 2, { tags: ['post:2', 'user:7'] })
    await cache.set('post:3', 3, { tags: ['post:3', 'user:8'] })
    await cache.invalidateTags(['user:7', 'never used'])
    expect(cache.peek('post:1')).toBeUndefined()
    expect(cache.peek('post:2')).toBeUndefined()
    expect(cache.peek('post:3')).toBe(3)
    await cache.set('post:1', 11, { tags: ['user:7'] })
    expect(cache.peek('post:1')).toBe(11)
  })

  test('tags that are only known with the value count like those that were given', async () => {
    await using cache = createCache<number>()
    const tagged = ({ addTags }: LoadContext) => (addTags(['author:1', 'page']), 1)
    await cache.getOrSet('page:1', tagged, { tags: ['page'] })
    expect(cache.peek('page:1')).toBe(1)
    await cache.invalidateTags(['author:1'])
    expect(cache.peek('page:1')).toBeUndefined()
  })

  test('a tag that was invalidated before the load came to know it outdates its value', async () => {
    await using cache = createCache<string>()
    const old = Promise.withResolvers<string>()
    const before = cache.getOrSet('page', async (context) => {
      const value = await old.promise
      context.addTags(['author:1'])
      return value
    })
    await cache.invalidateTags(['author:1'])
    old.resolve('old')
    expect(await before).toBe('old')
    expect(cache.peek('page')).toBeUndefined()
    expect(await cache.getOrSet('page', (context) => (context.addTags(['author:1']), 'new'))).toBe(
      'new',
    )
    expect(cache.peek('page')).toBe('new')
  })

  test('who comes after the invalidation of a tag that a running load names late gets a new value', async () => {
    await using cache = createCache<string>()
    const old = Promise.withResolvers<string>()
    const load = (gate: Promise<string>) => async (context: LoadContext) => {
      const value = await gate
      context.addTags(['author:1'])
      return value
    }
    const before = cache.getOrSet('page', load(old.promise))
    const together = cache.getOrSet('page', load(Promise.resolve('unused')))
    await cache.invalidateTags(['author:1'])
    const after = cache.getOrSet('page', load(Promise.resolve('new')))
    old.resolve('old')
    expect(await Promise.all([before, together, after])).toEqual(['old', 'old', 'new'])
    expect(cache.peek('page')).toBe('new')
    expect(cache.stats().loads).toBe(2)
  })

  test('a value with more tags than an entry may carry is handed out and not kept', async () => {
    await using cache = createCache<string>()
    const tags = Array.from({ length: 300 }, (_, number) => `tag-${number}`)
    const value = await cache.getOrSet('page', (context) => (context.addTags(tags), 'large'))
    expect(value).toBe('large')
    expect(cache.peek('page')).toBeUndefined()
  })

  const overtaking = {
    'an invalidation': (cache: ReturnType<typeof createCache>) => cache.invalidateTags(['tag']),
    'a deletion': (cache: ReturnType<typeof createCache>) => cache.delete('key'),
  }
  for (const [what, overtake] of Object.entries(overtaking)) {
    test(`${what} during a load: who came before gets its value, who comes after does not`, async () => {
      await using cache = createCache()
      const old = Promise.withResolvers<string>()
      let wasCurrent = true
      const before = cache.getOrSet(
        'key',
        async (context) => {
          const value = await old.promise
          wasCurrent = context.isCurrent
          return value
        },
        { tags: ['tag'] },
      )
      await overtake(cache)
      const after = cache.getOrSet('key', async () => 'new', { tags: ['tag'] })
      old.resolve('old')
      expect(await before).toBe('old')
      expect(wasCurrent).toBe(false)
      expect(await after).toBe('new')
      expect(cache.peek('key')).toBe('new')
    })

    test(`${what} during a load that nobody repeats leaves nothing behind`, async () => {
      await using cache = createCache()
      const old = Promise.withResolvers<string>()
      const before = cache.getOrSet('key', () => old.promise, { tags: ['tag'] })
      await overtake(cache)
      old.resolve('old')
      await before
      expect(await cache.get('key')).toBeUndefined()
    })
  }

  test('a slow load never overwrites what was set meanwhile', async () => {
    await using cache = createCache()
    const old = Promise.withResolvers<string>()
    const before = cache.getOrSet('key', () => old.promise)
    await cache.set('key', 'set')
    expect(await cache.getOrSet('key', () => 'unused')).toBe('set')
    old.resolve('old')
    expect(await before).toBe('old')
    expect(cache.peek('key')).toBe('set')
  })

  test('of two loads that overlap an invalidation only the younger is kept', async () => {
    await using cache = createCache()
    const older = Promise.withResolvers<string>()
    const younger = Promise.withResolvers<string>()
    const first = cache.getOrSet('key', () => older.promise, { tags: ['tag'] })
    await cache.invalidateTags(['tag'])
    const second = cache.getOrSet('key', () => younger.promise, { tags: ['tag'] })
    younger.resolve('younger')
    expect(await second).toBe('younger')
    older.resolve('older')
    expect(await first).toBe('older')
    expect(cache.peek('key')).toBe('younger')
  })
})

describe('what does not fit', () => {
  test('refuses keys that are none', async () => {
    await using cache = createCache()
    const refused = { code: 'HOTPATH_CACHE_KEY_INVALID' }
    for (const key of ['', 'x'.repeat(2_049), 7 as unknown as string, 'half a pair \ud800']) {
      await expect(cache.get(key)).rejects.toMatchObject(refused)
      await expect(cache.set(key, 1)).rejects.toMatchObject(refused)
      await expect(cache.delete(key)).rejects.toMatchObject(refused)
      await expect(cache.getOrSet(key, () => 1)).rejects.toMatchObject(refused)
    }
    await expect(cache.set('key', 1, { tags: [''] })).rejects.toMatchObject(refused)
    await expect(cache.invalidateTags([''])).rejects.toMatchObject(refused)
    const tooMany = Array.from({ length: 257 }, (_, number) => `tag-${number}`)
    await expect(cache.set('key', 1, { tags: tooMany })).rejects.toMatchObject(refused)
    await cache.invalidateTags(tooMany)
  })

  test('refuses durations that are none', async () => {
    await using cache = createCache()
    const refused = { code: 'HOTPATH_OPTION_INVALID' }
    for (const ttlMs of [0, -1, Number.NaN, Infinity, '5' as unknown as number]) {
      await expect(cache.set('key', 1, { ttlMs })).rejects.toMatchObject(refused)
      await expect(cache.getOrSet('key', () => 1, { ttlMs })).rejects.toMatchObject(refused)
      const decided = cache.getOrSet('key', (context) => {
        context.ttlMs = ttlMs
        return 1
      })
      await expect(decided).rejects.toMatchObject(refused)
      expect(() => createCache({ ttlMs })).toThrow('ttlMs must be')
      expect(() => createCache({ negativeTtlMs: ttlMs })).toThrow('negativeTtlMs must be')
    }
  })

  test('refuses options that contradict each other or do not exist', () => {
    expect(() => createCache({ memory: false })).toThrow('at least one of the two')
    expect(() => createCache({ memory: { maxEntries: 0 } })).toThrow('memory.maxEntries must be')
    expect(() => createCache({ memory: { maxBytes: -1 } })).toThrow('memory.maxBytes must be')
    expect(() => createCache({ ttl: 60 } as object)).toThrow("no option 'ttl'")
    expect(() => createCache({ memory: { max: 5 } as object })).toThrow("no option 'max'")
  })
})

describe('being seen', () => {
  test('is in the registry while it lives', async () => {
    const cache = createCache({ name: 'seen' })
    const mine = () => components().find(({ kind, name }) => kind === 'cache' && name === 'seen')
    expect(mine()?.stats()).toMatchObject({ hits: 0, misses: 0, hitRatio: 0, maxEntries: 10_000 })
    await cache.close()
    await cache.close()
    expect(mine()).toBeUndefined()
  })

  test('publishes reads and loads when someone listens', async () => {
    await using cache = createCache({ name: 'heard' })
    const heard: unknown[] = []
    const stops = [
      listen('hotpath:cache:read', ({ key, verdict, tier }) => heard.push([key, verdict, tier])),
      listen('hotpath:cache:load', ({ key, error }) => heard.push([key, 'load', error])),
    ]
    await cache.getOrSet('here', () => 1)
    cache.peek('here')
    await cache.getOrSet('absent', () => undefined)
    await cache.get('absent')
    await cache.get('unknown')
    for (const stop of stops) stop()
    cache.peek('here')
    expect(heard).toEqual([
      ['here', 'load', undefined],
      ['here', 'miss', undefined],
      ['here', 'hit', 'memory'],
      ['absent', 'load', undefined],
      ['absent', 'miss', undefined],
      ['absent', 'missing', 'memory'],
      ['unknown', 'miss', undefined],
    ])
  })

  test('records its verdicts in the trace of the request', async () => {
    await using cache = createCache({ name: 'traced' })
    await runInRequest({ route: '/', maxTraceEntries: 10 }, async () => {
      await cache.getOrSet('key', () => 1)
      await cache.getOrSet('key', () => 1)
      const verdicts = requestContext()?.trace?.entries.map((entry) =>
        entry.kind === 'cache' ? entry.verdict : entry.kind,
      )
      expect(verdicts).toEqual(['miss', 'hit'])
    })
  })
})

describe('close', () => {
  test('refuses further work, and keeps nothing of loads that are running', async () => {
    const cache = createCache()
    const gate = Promise.withResolvers<number>()
    await cache.set('key', 1)
    const running = cache.getOrSet('running', () => gate.promise)
    await cache.close()
    gate.resolve(2)
    expect(await running).toBe(2)
    expect(cache.peek('key')).toBeUndefined()
    expect(cache.stats().entries).toBe(0)
    const refused = { code: 'HOTPATH_COMPONENT_CLOSED' }
    await expect(cache.get('key')).rejects.toMatchObject(refused)
    await expect(cache.getOrSet('key', () => 1)).rejects.toMatchObject(refused)
    await expect(cache.set('key', 1)).rejects.toMatchObject(refused)
    await expect(cache.delete('key')).rejects.toMatchObject(refused)
    await expect(cache.invalidateTags(['tag'])).rejects.toMatchObject(refused)
  })
})
