import { startRedis, type RedisServer } from '@hotpath/services'
import { createClient } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { redisScript, type RedisLike, type RedisSubscription } from '../../src/index.ts'

/** A client of one kind that is connected to a server. */
export interface RedisUnderTest {
  readonly redis: RedisLike
  close(): unknown
}

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const key = 'schlüssel\n1'

/** The contract of {@link RedisLike}, held against a real server. */
export function redisConformance(
  title: string,
  connect: (url: string, keyPrefix?: string) => Promise<RedisUnderTest>,
): void {
  describe(title, () => {
    let server: RedisServer
    let client: RedisUnderTest
    let redis: RedisLike

    beforeAll(async () => {
      server = await startRedis()
      client = await connect(server.url)
      redis = client.redis
    })
    beforeEach(() => server.flush())
    afterAll(async () => {
      await client.close()
      await server.close()
    })

    const until = (isSo: () => boolean) => vi.waitUntil(isSo, { timeout: 20_000, interval: 5 })

    describe('values', () => {
      test.each([
        ['text', 'grüße', Buffer.from('grüße')],
        ['all 256 bytes', everyByte, everyByte],
        ['nothing', '', Buffer.alloc(0)],
      ])('%s comes back as it was stored', async (_, value, expected) => {
        expect(await redis.set(key, value)).toBe(true)
        expect(await redis.get(key)).toEqual(expected)
        expect(await redis.getMany([key])).toEqual([expected])
      })

      test('an unknown key is null', async () => {
        expect(await redis.get('unknown')).toBeNull()
      })

      test('many come in the order of their keys, null where there is none', async () => {
        await redis.set('a', '1')
        await redis.set('c', '3')
        const values = await redis.getMany(['c', 'b', 'a', 'c'])
        expect(values.map(String)).toEqual(['3', 'null', '1', '3'])
        expect(await redis.getMany([])).toEqual([])
      })

      test('ifAbsent stores once and says which time it did', async () => {
        expect(await redis.set(key, 'first', { ifAbsent: true })).toBe(true)
        expect(await redis.set(key, 'second', { ifAbsent: true })).toBe(false)
        expect(String(await redis.get(key))).toBe('first')
      })

      test('ttlMs ends a value, and without it a value has no end', async () => {
        const remaining = redisScript('return redis.call("PTTL", KEYS[1])')
        await redis.set(key, 'value', { ttlMs: 60_000, ifAbsent: true })
        const leftMs = await redis.runScript(remaining, [key], [])
        expect(leftMs).toBeGreaterThan(50_000)
        expect(leftMs).toBeLessThanOrEqual(60_000)
        await redis.set(key, 'value')
        expect(await redis.runScript(remaining, [key], [])).toBe(-1)
        await redis.set(key, 'value', { ttlMs: 1 })
        await vi.waitUntil(async () => (await redis.get(key)) === null)
      })

      test('delete counts what was there', async () => {
        await redis.set('a', '1')
        await redis.set('b', '2')
        expect(await redis.delete(['a', 'b', 'c'])).toBe(2)
        expect(await redis.get('a')).toBeNull()
        expect(await redis.delete([])).toBe(0)
      })

      test('an error of the server rejects with its text', async () => {
        await redis.runScript(redisScript('return redis.call("LPUSH", KEYS[1], "x")'), [key], [])
        await expect(redis.get(key)).rejects.toThrow('WRONGTYPE')
        await server.fill()
        await expect(redis.set('a', '1')).rejects.toThrow('OOM')
        await server.empty()
      })
    })

    describe('scripts', () => {
      const echo = redisScript('return {KEYS[1], ARGV[1], ARGV[2], #KEYS, false, {"ok"}}')

      test('keys and values go in and replies come out unharmed', async () => {
        const reply = await redis.runScript(echo, [key], [everyByte, 42])
        expect(reply).toEqual([
          Buffer.from(key),
          everyByte,
          Buffer.from('42'),
          1,
          null,
          [Buffer.from('ok')],
        ])
      })

      test('a script that the server has forgotten runs all the same, once', async () => {
        const count = redisScript('return redis.call("INCR", KEYS[1])')
        expect(await redis.runScript(count, ['n'], [])).toBe(1)
        await redis.runScript(redisScript('redis.call("SET", KEYS[1], 5)'), ['n'], [])
        await command(server, 'SCRIPT', 'FLUSH')
        expect(await redis.runScript(count, ['n'], [])).toBe(6)
        expect(await redis.runScript(count, ['n'], [])).toBe(7)
      })

      test('an error in the script rejects with its text, and is not tried again', async () => {
        const failing = redisScript('redis.call("INCR", KEYS[1]); error("out of cheese")')
        await expect(redis.runScript(failing, ['n'], [])).rejects.toThrow('out of cheese')
        await expect(redis.runScript(failing, ['n'], [])).rejects.toThrow('out of cheese')
        expect(String(await redis.get('n'))).toBe('2')
      })
    })

    describe('a key prefix of the client', () => {
      test('is put before keys, not before channels', async () => {
        const prefixed = await connect(server.url, 'app:')
        const copy = redisScript('return redis.call("SET", KEYS[2], redis.call("GET", KEYS[1]))')
        await prefixed.redis.set('a', '1')
        await prefixed.redis.runScript(copy, ['a', 'b'], [])
        expect((await redis.getMany(['app:a', 'app:b'])).map(String)).toEqual(['1', '1'])
        expect((await prefixed.redis.getMany(['b'])).map(String)).toEqual(['1'])

        const heard: string[] = []
        const message = (payload: Buffer) => void heard.push(String(payload))
        const subscription = await prefixed.redis.subscribe('channel', { message })
        expect(await redis.publish('channel', 'one')).toBe(1)
        expect(await prefixed.redis.publish('channel', 'two')).toBe(1)
        await until(() => heard.length === 2)
        await subscription.close()

        expect(await prefixed.redis.delete(['a'])).toBe(1)
        await prefixed.close()
      })
    })

    describe('messages', () => {
      test('reach every subscriber of their channel, byte by byte and in order', async () => {
        const heard: Buffer[][] = [[], []]
        const subscriptions: RedisSubscription[] = []
        for (const list of heard) {
          const message = (payload: Buffer) => void list.push(payload)
          subscriptions.push(await redis.subscribe('channel', { message }))
        }
        expect(await redis.publish('other', 'not for us')).toBe(0)
        expect(await redis.publish('channel', everyByte)).toBe(2)
        expect(await redis.publish('channel', 'grüße')).toBe(2)
        await until(() => heard.every((list) => list.length === 2))
        expect(heard[0]).toEqual([everyByte, Buffer.from('grüße')])
        expect(heard[1]).toEqual(heard[0])

        await subscriptions[0]?.close()
        await vi.waitUntil(async () => (await redis.publish('channel', 'x')) === 1)
        await subscriptions[1]?.close()
        await vi.waitUntil(async () => (await redis.publish('channel', 'x')) === 0)
        expect(heard[0]).toHaveLength(2)
      })

      test('a lost connection is told, comes back by itself, and hears again', async () => {
        const heard: string[] = []
        const subscription = await redis.subscribe('channel', {
          message: (payload) => void heard.push(String(payload)),
          lost: () => void heard.push('(lost)'),
          restored: () => void heard.push('(restored)'),
        })
        await redis.publish('channel', 'before')
        await until(() => heard.includes('before'))

        for (const round of ['first', 'second']) {
          heard.length = 0
          await server.kill()
          await until(() => heard.includes('(lost)'))
          await server.restart()
          await until(() => heard.includes('(restored)'))
          // Whoever was told "restored" hears what is sent from then on.
          const sender = await connect(server.url)
          expect(await sender.redis.publish('channel', round)).toBe(1)
          await sender.close()
          await until(() => heard.includes(round))
          expect(heard).toEqual(['(lost)', '(restored)', round])
        }

        await subscription.close()
        await subscription.close()
        expect(heard).toHaveLength(3)
      })

      test('a subscription that the server refuses rejects with its text', async () => {
        const acl = (rule: string) => command(server, 'ACL', 'SETUSER', 'default', rule)
        await acl('resetchannels')
        await expect(redis.subscribe('channel', { message: () => {} })).rejects.toThrow('NOPERM')
        await acl('allchannels')
        expect(await redis.publish('channel', 'x')).toBe(0)
      })

      test('a signal ends a subscription, one that is still being made too', async () => {
        const heard: string[] = []
        const standing = new AbortController()
        const listener = { message: () => void heard.push('message') }
        await redis.subscribe('channel', listener, { signal: standing.signal })
        standing.abort()
        await vi.waitUntil(async () => (await redis.publish('channel', 'x')) === 0)
        expect(heard).toEqual([])

        await server.kill()
        const opening = new AbortController()
        const subscribing = redis.subscribe('channel', listener, { signal: opening.signal })
        opening.abort(new Error('no longer wanted'))
        await expect(subscribing).rejects.toThrow()
        await server.restart()
        await vi.waitUntil(async () => (await redis.publish('channel', 'x')) === 0)
        await expect(
          redis.subscribe('channel', listener, { signal: opening.signal }),
        ).rejects.toThrow('no longer wanted')
      })

      test('a subscription can be closed while the server is gone', async () => {
        const heard: string[] = []
        const subscription = await redis.subscribe('channel', {
          message: () => {},
          lost: () => void heard.push('lost'),
          restored: () => void heard.push('restored'),
        })
        await server.kill()
        await until(() => heard.length > 0)
        await subscription.close()
        await server.restart()
        await vi.waitUntil(async () => (await redis.publish('channel', 'x')) === 0)
        expect(heard).toEqual(['lost'])
      })
    })
  })
}

async function command(server: RedisServer, ...words: string[]): Promise<void> {
  const client = createClient({ url: server.url })
  await client.connect()
  await client.sendCommand(words)
  client.destroy()
}
