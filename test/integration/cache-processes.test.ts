import { startRedis } from '@hotpath/services'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createCache, type Cache, type CacheOptions } from '../../src/cache/index.ts'
import { createManualClock, fromIoredis, fromNodeRedis, type RedisLike } from '../../src/index.ts'

const server = await startRedis()
const until = (isSo: () => boolean | Promise<boolean>) =>
  vi.waitUntil(isSo, { timeout: 15_000, interval: 5 })

const nodeClient = createClient({ url: server.url, disableOfflineQueue: true })
nodeClient.on('error', () => {})
const ioredisClient = new Redis(server.url, { enableOfflineQueue: false, lazyConnect: true })
ioredisClient.on('error', () => {})
const clients: Record<string, RedisLike> = {
  'node-redis': fromNodeRedis(nodeClient),
  ioredis: fromIoredis(ioredisClient),
}
const caches: { close(): Promise<void> }[] = []
let namespaces = 0

beforeAll(async () => {
  await nodeClient.connect()
  await ioredisClient.connect()
})

afterEach(async () => {
  await server.thaw()
  await Promise.all(caches.splice(0).map((cache) => cache.close()))
})

afterAll(async () => {
  nodeClient.destroy()
  ioredisClient.disconnect()
  await server.close()
})

/** The time of these caches is moved by hand, and Redis answers in its own: it gets all it needs. */
const atOwnPace = { memory: false, bus: false, redisTimeoutMs: 10_000_000 } as const
const fails = () => Promise.reject(new Error('database is gone'))

describe.each(Object.entries(clients))('on %s', (name, redis) => {
  /** Two caches that stand for two processes. */
  function open(options: CacheOptions = {}): [Cache<string>, Cache<string>] {
    const namespace = `tiers:${name}:${++namespaces}`
    const one = createCache<string>({ name: 'values', redis, namespace, ...options })
    const two = createCache<string>({ name: 'values', redis, namespace, ...options })
    caches.push(one, two)
    return [one, two]
  }

  async function ask(cache: Cache<string>, load: () => string | Promise<string>) {
    let isStale = false
    const value = await cache.getOrSet('key', load, { onStale: () => (isStale = true) })
    return isStale ? `stale ${value}` : value
  }

  test('a value that another process has kept is served stale, and loaded anew once', async () => {
    const clock = createManualClock(Date.now())
    const [one, two] = open({ clock, ...atOwnPace, ttlMs: 60_000, staleMs: 60_000 })
    await one.set('key', 'old')
    clock.advance(60_001)
    expect(await two.get('key')).toBeUndefined()
    const gate = Promise.withResolvers<string>()
    const load = vi.fn<() => Promise<string>>(() => gate.promise)
    expect(await ask(two, load)).toBe('stale old')
    await until(() => load.mock.calls.length === 1)
    // The refresh is under way elsewhere: nobody loads beside it.
    expect(await ask(one, load)).toBe('stale old')
    expect(await ask(two, load)).toBe('stale old')
    gate.resolve('new')
    await until(async () => (await one.get('key')) === 'new')
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('a value that another process has kept is served where a load fails', async () => {
    const clock = createManualClock(Date.now())
    const [one, two] = open({ clock, ...atOwnPace, ttlMs: 60_000, staleIfErrorMs: 60_000 })
    await one.set('key', 'old')
    clock.advance(60_001)
    expect(await ask(two, fails)).toBe('stale old')
    expect(await ask(two, () => 'new')).toBe('new')
    await until(async () => (await one.get('key')) === 'new')
    clock.advance(120_001)
    await expect(ask(one, fails)).rejects.toThrow('database is gone')
  })

  test('what is expired by its tag in one process is stale in the other', async () => {
    const [one, two] = open({ staleMs: 60_000 })
    await one.set('key', 'old', { tags: ['tag'] })
    expect(await ask(two, fails)).toBe('old')
    await one.expireTags(['tag'])
    await until(async () => (await two.get('key')) === undefined)
    expect(await ask(two, () => 'new')).toBe('stale old')
    await until(async () => (await one.get('key')) === 'new')
  })

  test('memory beside Redis hears what the other process does', async () => {
    const [one, two] = open()
    const inMemory = async (value: string) => {
      await until(async () => {
        await two.get('key')
        return two.peek('key') === value
      })
    }
    await one.set('key', 'first', { tags: ['tag'] })
    await inMemory('first')
    await one.set('key', 'second', { tags: ['tag'] })
    await until(() => two.peek('key') !== 'first')
    await inMemory('second')
    await one.invalidateTags(['tag'])
    await until(() => two.peek('key') === undefined)
    expect(await two.get('key')).toBeUndefined()
    await one.set('key', 'third')
    await inMemory('third')
    await one.delete('key')
    await until(() => two.peek('key') === undefined)
  })

  test('while nobody can be heard, memory is believed for busLostMs and then not', async () => {
    const [one] = open({ memory: { busLostMs: 300 } })
    const [alone] = open({ bus: false })
    await one.set('key', 'value')
    await alone.set('key', 'value')
    const isInMemory = async () => (await one.get('key')) === 'value' && one.peek('key') === 'value'
    await until(isInMemory)
    await server.freeze()
    expect(one.peek('key')).toBe('value')
    await until(() => one.peek('key') === undefined)
    expect(alone.peek('key')).toBe('value')
    await server.thaw()
    await until(isInMemory)
  })

  test('a key that two processes miss is loaded by one of them', async () => {
    const [one, two] = open()
    const gate = Promise.withResolvers<string>()
    const load = vi.fn<() => Promise<string>>(() => gate.promise)
    const first = one.getOrSet('key', load)
    await until(() => load.mock.calls.length === 1)
    const second = two.getOrSet('key', load)
    gate.resolve('value')
    expect(await Promise.all([first, second])).toEqual(['value', 'value'])
    expect(load).toHaveBeenCalledTimes(1)
    expect(one.stats().loads + two.stats().loads).toBe(1)
  })

  test('whoever waits for a load that fails elsewhere loads himself', async () => {
    const [one, two] = open({ leaseMs: 60_000 })
    const gate = Promise.withResolvers<string>()
    let isLoading = false
    const first = one.getOrSet('key', () => {
      isLoading = true
      return gate.promise
    })
    await until(() => isLoading)
    const second = two.getOrSet('key', () => 'value')
    gate.reject(new Error('database is gone'))
    await expect(first).rejects.toThrow('database is gone')
    expect(await second).toBe('value')
  })

  test.each([
    ['is not to be kept', { ttlMs: false }],
    ['cannot be encoded', {}],
  ] as const)('the lease of a load whose value %s ends with it', async (_, decided) => {
    const [one, two] = open({ leaseMs: 60_000 })
    const unsendable = (() => 1) as unknown as string
    await one.getOrSet('key', (context) => {
      Object.assign(context, decided)
      return unsendable
    })
    expect(await two.getOrSet('key', () => 'value')).toBe('value')
  })

  test('getMany and setMany work across processes', async () => {
    const [one, two] = open({ memory: false })
    await one.setMany([
      ['a', '1'],
      ['b', '2'],
    ])
    expect([...(await two.getMany(['a', 'unknown', 'b']))]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
    const withFunction = [
      ['a', 'changed'],
      ['c', (() => 1) as unknown as string],
    ] as const
    await expect(one.setMany(withFunction)).rejects.toMatchObject({
      code: 'HOTPATH_CACHE_VALUE_INVALID',
    })
    expect(await one.get('a')).toBe('1')
  })

  test('a value that is due is loaded anew although Redis still has it', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(Math.exp(-5))
    const clock = createManualClock(Date.now())
    const [one] = open({ clock, ...atOwnPace, ttlMs: 60_000, earlyRefresh: 1 })
    const load = (value: string) => () => {
      clock.advance(1_000)
      return value
    }
    expect(await ask(one, load('old'))).toBe('old')
    await until(async () => (await one.get('key')) === 'old')
    // Five times the time that its load took is left.
    clock.advance(56_000)
    expect(await ask(one, load('new'))).toBe('old')
    await until(async () => (await one.get('key')) === 'new')
    expect(one.stats()).toMatchObject({ loads: 2, refreshes: 1, stale: 0 })
    random.mockRestore()
  })
})
