import { startRedis } from '@hotpath/services'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createCache, type Cache, type CacheOptions } from '../../src/cache/index.ts'
import { fromIoredis, fromNodeRedis, listen, type RedisLike } from '../../src/index.ts'

// A server of its own: these tests kill, freeze, fill and flush it.
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

describe.each(Object.entries(clients))('on %s', (name, redis) => {
  /** As many caches as processes that share one namespace, without memory: Redis is asked each time. */
  function open<T>(count: number, options: CacheOptions = {}): Cache<T>[] {
    const namespace = `test:${name}:${++namespaces}`
    const opened = Array.from({ length: count }, () =>
      createCache<T>({ name: 'values', redis, namespace, memory: false, ...options }),
    )
    caches.push(...opened)
    return opened
  }

  test('values come back in another process as they were', async () => {
    const [one, two] = open<unknown>(2) as [Cache, Cache]
    const value = {
      text: 'é\u2028\u0000',
      when: new Date(0),
      map: new Map([[1, new Set(['a'])]]),
      large: 2n ** 70n,
      bytes: Buffer.from([0, 255]),
      nothing: undefined,
    }
    await one.set('key', value)
    const found = (await two.get('key')) as typeof value
    expect({ ...found, bytes: Buffer.from(found.bytes) }).toEqual(value)
    await one.getOrSet('absent', () => undefined)
    await until(async () => (await nodeClient.exists(`test:${name}:${namespaces}:v:absent`)) === 1)
    const load = vi.fn<() => string>(() => 'something')
    expect(await two.getOrSet('absent', load)).toBeUndefined()
    expect(load).not.toHaveBeenCalled()
  })

  test('what cannot be sent is an error of set, and getOrSet hands it out', async () => {
    const [cache] = open<unknown>(1) as [Cache]
    await expect(cache.set('key', () => 1)).rejects.toMatchObject({
      code: 'HOTPATH_CACHE_VALUE_INVALID',
    })
    const value = await cache.getOrSet('key', () => Symbol.for('unsendable'))
    expect(value).toBe(Symbol.for('unsendable'))
  })

  test('what one process writes, deletes or invalidates, the others see at their next read', async () => {
    const [one, two] = open<number>(2) as [Cache<number>, Cache<number>]
    await one.set('key', 1, { tags: ['tag'] })
    expect(await two.get('key')).toBe(1)
    await two.set('key', 2, { tags: ['tag'] })
    expect(await one.get('key')).toBe(2)
    await one.delete('key')
    expect(await two.get('key')).toBeUndefined()
    await one.set('key', 3, { tags: ['tag', 'other'] })
    await two.invalidateTags(['other'])
    expect(await one.get('key')).toBeUndefined()
  })

  test.each([['given'], ['named by the loader']])(
    'a load that another process overtook is not kept: tags %s',
    async (which) => {
      const [one, two] = open<string>(2) as [Cache<string>, Cache<string>]
      // The first invalidation of a namespace gives its tags their versions.
      await one.invalidateTags(['tag'])
      const gate = Promise.withResolvers<void>()
      let isLoading = false
      const old = one.getOrSet(
        'key',
        async ({ addTags }) => {
          isLoading = true
          await gate.promise
          if (which !== 'given') addTags(['tag'])
          return 'old'
        },
        which === 'given' ? { tags: ['tag'] } : {},
      )
      await until(() => isLoading)
      await two.invalidateTags(['tag'])
      gate.resolve()
      expect(await old).toBe('old')
      expect(await two.getOrSet('key', () => 'new', { tags: ['tag'] })).toBe('new')
      await until(async () => (await one.get('key')) === 'new')
    },
  )

  test('tags that the loader named forget the value in all processes', async () => {
    const [one, two] = open<string>(2) as [Cache<string>, Cache<string>]
    await one.invalidateTags(['first'])
    await one.getOrSet('page', ({ addTags }) => (addTags(['author:1', 'author:2']), 'page'))
    await until(async () => (await two.get('page')) === 'page')
    await two.invalidateTags(['unrelated'])
    expect(await one.get('page')).toBe('page')
    await two.invalidateTags(['author:2'])
    expect(await one.get('page')).toBeUndefined()
  })

  test('a foreign or broken value is a miss', async () => {
    const [cache] = open<string>(1) as [Cache<string>]
    const key = `test:${name}:${namespaces}:v:key`
    for (const bytes of ['', 'plain', '{"json":1}', '\u0000'.repeat(100), 'hp'.repeat(50)]) {
      await nodeClient.set(key, bytes)
      expect(await cache.get('key')).toBeUndefined()
    }
    await cache.set('key', 'ours')
    const stored = await redis.get(key)
    for (const at of [0, 3, 13, 20, (stored?.length ?? 1) - 1]) {
      const broken = Buffer.from(stored ?? [])
      broken[at] = (broken[at] ?? 0) ^ 0xff
      await redis.set(key, broken)
      expect(await cache.get('key')).toBeUndefined()
    }
  })

  test.each([['frozen'], ['killed']] as const)(
    'Redis is %s: the deadline once and then nothing; no answer fails; it recovers',
    async (how) => {
      const trouble: string[] = []
      const stop = listen('hotpath:cache:trouble', ({ operation }) => trouble.push(operation))
      const [cache] = open<number>(1, { redisTimeoutMs: 50 }) as [Cache<number>]
      await cache.set('key', 1, { tags: ['tag'] })
      if (how === 'frozen') await server.freeze()
      else await server.kill()

      let loads = 0
      const load = () => ++loads + 100
      expect(await cache.getOrSet('first', load)).toBe(101)
      // With the circuit open nobody waits for Redis: these end although no time passes for it.
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, i) => cache.getOrSet(`key-${i}`, load)),
      )
      expect(answers).toHaveLength(200)
      expect(cache.stats().redis?.circuit).toBe('open')
      await cache.invalidateTags(['tag'])
      expect(cache.stats().redis?.owed).toBeGreaterThan(0)
      expect(trouble.length).toBeGreaterThan(0)

      if (how === 'frozen') await server.thaw()
      else await server.restart()
      await until(() => cache.stats().redis?.circuit === 'closed')
      // What was invalidated while Redis was away is not believed when it is back.
      expect(await cache.get('key')).toBeUndefined()
      expect(cache.stats().redis?.owed).toBe(0)
      await cache.set('after', 2)
      await until(async () => (await cache.get('after')) === 2)
      stop()
    },
  )

  test('Redis is full: values are handed out, and kept again when there is room', async () => {
    const [cache] = open<string>(1) as [Cache<string>]
    await server.fill()
    expect(await cache.getOrSet('key', () => 'value')).toBe('value')
    expect(await cache.getOrSet('other', () => 'value')).toBe('value')
    await server.empty()
    await until(async () => {
      await cache.set('key', 'kept')
      return (await cache.get('key')) === 'kept'
    })
  })
})
