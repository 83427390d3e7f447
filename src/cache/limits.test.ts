import { describe, expect, test } from 'vitest'
import { createManualClock } from '../index.ts'
import { createCache, type CacheOptions } from './index.ts'

const settled = () => new Promise(setImmediate)
const never = () => new Promise<string>(() => {})
const timedOut = { code: 'HOTPATH_CACHE_LOAD_TIMEOUT' }

function open(options: CacheOptions) {
  const clock = createManualClock()
  return { clock, cache: createCache<string>({ clock, ttlMs: 100, ...options }) }
}

describe('hardTimeoutMs', () => {
  test('ends the waiting for a loader that never settles, and tells it', async () => {
    const { cache, clock } = open({ hardTimeoutMs: 200 })
    let signal: AbortSignal | undefined
    const load = (context: { signal: AbortSignal }) => {
      signal = context.signal
      return never()
    }
    const asked = cache.getOrSet('key', load)
    clock.advance(199)
    expect(signal?.aborted).toBe(false)
    clock.advance(1)
    await expect(asked).rejects.toMatchObject(timedOut)
    expect(signal?.reason).toMatchObject(timedOut)
    expect(await cache.getOrSet('key', () => 'new')).toBe('new')
    expect(cache.stats()).toMatchObject({ timeouts: 1, misses: 2 })
    await cache.close()
  })

  test('is each caller’s own: the load goes on for those who have time', async () => {
    const { cache, clock } = open({})
    const gate = Promise.withResolvers<string>()
    const hasty = cache.getOrSet('key', () => gate.promise, { hardTimeoutMs: 10 })
    const patient = cache.getOrSet('key', never)
    clock.advance(10)
    await expect(hasty).rejects.toMatchObject(timedOut)
    gate.resolve('value')
    expect(await patient).toBe('value')
    expect(cache.peek('key')).toBe('value')
    await cache.close()
  })

  test('serves what staleIfErrorMs keeps instead of an error', async () => {
    const { cache, clock } = open({ staleIfErrorMs: 1_000, hardTimeoutMs: 200 })
    await cache.set('key', 'old')
    clock.advance(100)
    const asked = cache.getOrSet('key', never)
    clock.advance(200)
    expect(await asked).toBe('old')
    await cache.close()
  })

  test('ends a refresh that hangs, so that another can be tried', async () => {
    const { cache, clock } = open({ staleMs: 5_000, hardTimeoutMs: 200 })
    await cache.set('key', 'old')
    clock.advance(100)
    expect(await cache.getOrSet('key', never)).toBe('old')
    clock.advance(200)
    expect(await cache.getOrSet('key', () => 'new')).toBe('old')
    await settled()
    expect(cache.peek('key')).toBe('new')
    await cache.close()
  })

  test('ends a loader that asks for its own key', async () => {
    const { cache, clock } = open({ hardTimeoutMs: 200 })
    const ask = (): Promise<string> => cache.getOrSet('key', async () => ask())
    const asked = ask()
    await settled()
    clock.advance(200)
    await expect(asked).rejects.toMatchObject(timedOut)
    expect(await cache.getOrSet('key', () => 'value')).toBe('value')
    await cache.close()
  })

  test('leaves nothing behind when the load is in time', async () => {
    const { cache, clock } = open({ hardTimeoutMs: 200 })
    expect(await cache.getOrSet('key', async () => 'value')).toBe('value')
    clock.advance(1_000)
    expect(cache.stats().timeouts).toBe(0)
    await cache.close()
  })
})

describe('softTimeoutMs', () => {
  const limits = { staleIfErrorMs: 1_000, softTimeoutMs: 20 }

  test('serves the stale value, and the load goes on', async () => {
    const { cache, clock } = open(limits)
    await cache.set('key', 'old')
    clock.advance(100)
    const gate = Promise.withResolvers<string>()
    let signal: AbortSignal | undefined
    const load = (context: { signal: AbortSignal }) => {
      signal = context.signal
      return gate.promise
    }
    let isStale = false
    const leaving = new AbortController()
    const asked = cache.getOrSet('key', load, {
      onStale: () => (isStale = true),
      signal: leaving.signal,
    })
    clock.advance(19)
    await settled()
    expect(isStale).toBe(false)
    clock.advance(1)
    expect(await asked).toBe('old')
    expect(isStale).toBe(true)
    leaving.abort()
    expect(signal?.aborted).toBe(false)
    gate.resolve('new')
    await settled()
    expect(cache.peek('key')).toBe('new')
    expect(cache.stats()).toMatchObject({ hits: 2, stale: 1, timeouts: 1, misses: 0 })
    await cache.close()
  })

  test('does nothing where there is no value to serve', async () => {
    const { cache, clock } = open(limits)
    const gate = Promise.withResolvers<string>()
    const asked = cache.getOrSet('key', () => gate.promise)
    clock.advance(1_000)
    gate.resolve('value')
    expect(await asked).toBe('value')
    await cache.close()
  })

  test('with hardTimeoutMs the load is given up after that time', async () => {
    const { cache, clock } = open({ ...limits, hardTimeoutMs: 200 })
    await cache.set('key', 'old')
    clock.advance(100)
    let signal: AbortSignal | undefined
    const load = (context: { signal: AbortSignal }) => {
      signal = context.signal
      return never()
    }
    const asked = cache.getOrSet('key', load)
    clock.advance(20)
    expect(await asked).toBe('old')
    clock.advance(200)
    expect(signal?.reason).toMatchObject(timedOut)
    await cache.close()
  })
})

describe('close', () => {
  test('tells a refresh to stop', async () => {
    const { cache, clock } = open({ staleMs: 5_000 })
    await cache.set('key', 'old')
    clock.advance(100)
    let signal: AbortSignal | undefined
    const load = (context: { signal: AbortSignal }) => {
      signal = context.signal
      return never()
    }
    expect(await cache.getOrSet('key', load)).toBe('old')
    await cache.close()
    expect(signal?.reason).toMatchObject({ code: 'HOTPATH_COMPONENT_CLOSED' })
  })

  test('leaves a load that somebody waits for alone, and its limits in force', async () => {
    const { cache, clock } = open({ hardTimeoutMs: 200 })
    const gate = Promise.withResolvers<string>()
    const one = cache.getOrSet('one', () => gate.promise)
    const other = cache.getOrSet('other', never)
    await cache.close()
    gate.resolve('value')
    expect(await one).toBe('value')
    clock.advance(200)
    await expect(other).rejects.toMatchObject(timedOut)
    expect(cache.stats().entries).toBe(0)
  })
})
