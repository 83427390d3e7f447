import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterEach, describe, expect, test } from 'vitest'
import { createCache } from '../../src/cache/index.ts'
import { fromIoredis, fromNodeRedis, type RedisLike } from '../../src/index.ts'
import { fresh, until, useRedisTiers, type TierUnderTest } from './redis-tiers.ts'

const { server, clients, open } = await useRedisTiers()
const timeoutMs = 50
const probeMs = 250

/** A connection of its own, for what a client of the tests cannot be asked while Redis is busy. */
async function command(...words: string[]): Promise<void> {
  const client = createClient({ url: server.url })
  client.on('error', () => {})
  await client.connect()
  await client.sendCommand(words).catch(() => {})
  client.destroy()
}

interface Outage {
  readonly title: string
  begin(): Promise<void>
  end(): Promise<void>
}

const outages: Outage[] = [
  { title: 'killed', begin: () => server.kill(), end: () => server.restart() },
  { title: 'frozen', begin: () => server.freeze(), end: () => server.thaw() },
  {
    title: 'held by a script',
    async begin() {
      await command('CONFIG', 'SET', 'busy-reply-threshold', '10000')
      const client = createClient({ url: server.url })
      client.on('error', () => {})
      await client.connect()
      void client.sendCommand(['EVAL', 'while true do end', '0']).catch(() => client.destroy())
    },
    async end() {
      await server.kill()
      await server.restart()
    },
  },
]

afterEach(async () => {
  await server.thaw()
})

describe.each(Object.entries(clients))('on %s', (name, redis) => {
  describe.each(outages)('Redis is $title', ({ begin, end }) => {
    test('the deadline once and then nothing; it is found again by the next probe', async () => {
      const [one, two] = open(2, redis, { timeoutMs }) as [TierUnderTest, TierUnderTest]
      await one.tier.set('key', fresh('old', { tags: ['tag'] }))
      await begin()

      const startedMs = one.clock.monotonicMs()
      let wasAnswered = false
      const first = one.tier.read('key', []).finally(() => (wasAnswered = true))
      await until(() => {
        if (!wasAnswered) one.clock.advance(5)
        return wasAnswered
      })
      expect(await first).toBeUndefined()
      // The last turn is that of the timer that looks once more after the sockets were read.
      expect(one.clock.monotonicMs() - startedMs).toBeLessThanOrEqual(timeoutMs + 10)
      // From now on no time passes, and everybody is answered all the same.
      const signal = new AbortController().signal
      for (let index = 0; index < 1_000; index++) {
        expect(await one.tier.read(`key-${index}`, [])).toBeUndefined()
      }
      expect(await one.tier.readMany(['a', 'b'])).toBeUndefined()
      const gap = { identity: Buffer.alloc(0), tags: [], epoch: '', sinceMs: 0, sinceEpochMs: 0 }
      const options = { tags: [], signal, isRefresh: false }
      const claimed = await one.tier.claim('key', gap, options)
      expect(claimed).toMatchObject({ kind: 'load', lease: undefined })
      one.tier.fill('key', fresh('loaded'), gap)
      await one.tier.set('other', fresh('new'))
      await one.tier.delete('third')
      await one.tier.invalidate(['tag'])
      expect(one.tier.stats).toMatchObject({ circuit: 'open', owed: 4 })

      await end()
      // How soon the client is back is the client's own affair.
      await until(() =>
        redis.publish('nobody', '').then(
          () => true,
          () => false,
        ),
      )
      one.clock.advance(probeMs)
      await until(() => one.tier.stats.circuit === 'closed')
      expect(one.tier.stats.owed).toBe(0)
      await until(async () => {
        two.clock.advance(probeMs)
        return (await two.tier.read('key', [])) !== undefined
      })
      for (const key of ['key', 'other', 'third']) {
        expect((await two.tier.read(key, []))?.found).toBeUndefined()
      }
      await one.tier.set('key', fresh('new'))
      expect((await two.tier.read('key', []))?.found?.value).toBe('new')
    })
  })

  test('a Redis that says that it is busy is not waited for', async () => {
    const [one] = open(1, redis) as [TierUnderTest]
    await command('CONFIG', 'SET', 'busy-reply-threshold', '1')
    const client = createClient({ url: server.url })
    client.on('error', () => {})
    await client.connect()
    const script = client.sendCommand(['EVAL', 'while true do end', '0']).catch(() => {})
    await until(() =>
      redis.get('nothing').then(
        () => false,
        (error: Error) => error.message.startsWith('BUSY'),
      ),
    )
    // No time passes.
    expect(await one.tier.read('key', [])).toBeUndefined()
    await one.tier.invalidate(['tag'])
    expect(one.tier.stats.owed).toBe(2)
    await command('SCRIPT', 'KILL')
    await script
    client.destroy()
    one.clock.advance(probeMs)
    await until(() => one.tier.stats.owed === 0)
  })

  test('a full Redis still answers, and what it does not take is dropped', async () => {
    const [one, two] = open(2, redis) as [TierUnderTest, TierUnderTest]
    await one.tier.set('kept', fresh('value'))
    const answer = await one.tier.read('key', [])
    await server.fill()
    try {
      expect((await two.tier.read('kept', []))?.found?.value).toBe('value')
      if (answer === undefined) throw new Error('Redis did not answer')
      const options = { tags: [], signal: new AbortController().signal, isRefresh: false }
      const claimed = await one.tier.claim('key', answer.gap, options)
      expect(claimed).toMatchObject({ kind: 'load', lease: undefined })
      one.tier.fill('key', fresh('loaded'), answer.gap)
      await until(() => one.tier.stats.droppedWrites > 0)
      expect(one.tier.stats.circuit).toBe('closed')
      expect(one.troubles).toEqual(expect.arrayContaining(['claim', 'fill']))
    } finally {
      await server.empty()
    }
  })

  test('a flushed Redis is empty, and nothing else', async () => {
    const [one, two] = open(2, redis) as [TierUnderTest, TierUnderTest]
    await until(() => two.heard.includes('flush'))
    await one.tier.set('key', fresh('old', { tags: ['tag'] }))
    const answer = await one.tier.read('loaded', ['tag'])
    await server.flush()
    expect((await two.tier.read('key', []))?.found).toBeUndefined()
    if (answer === undefined) throw new Error('Redis did not answer')
    // It was loaded under a version of the tag that Redis no longer knows, so nobody believes it.
    one.tier.fill('loaded', fresh('before', { tags: ['tag'] }), answer.gap)
    await until(() => one.tier.stats.writes === 2)
    expect((await two.tier.read('loaded', []))?.found).toBeUndefined()
    await one.tier.set('key', fresh('new', { tags: ['tag'] }))
    expect((await two.tier.read('key', []))?.found?.value).toBe('new')
    await until(() => two.heard.includes('written key'))
    expect(one.tier.stats.circuit).toBe('closed')
  })

  test('more debts than are remembered are told as one', async () => {
    const [one, two] = open(2, redis) as [TierUnderTest, TierUnderTest]
    await until(() => two.heard.includes('flush'))
    await one.tier.set('key', fresh('old'))
    await server.freeze()
    const failing = one.tier.delete('first')
    one.clock.advance(timeoutMs + 1)
    one.clock.advance(1)
    await failing
    for (let index = 0; index < 10_000; index++) await one.tier.delete(`key-${index}`)
    expect(one.tier.stats.owed).toBeLessThan(10_000)
    await server.thaw()
    one.clock.advance(probeMs)
    await until(() => one.tier.stats.owed === 0)
    await until(() => two.heard.filter((text) => text === 'flush').length === 2)
    expect((await one.tier.read('key', []))?.found).toBeUndefined()
  })

  test('a client that its owner has closed is a Redis that is away', async () => {
    const closed = await closedClient(name)
    const cache = createCache<string>({ name: 'closed', redis: closed.redis })
    await closed.close()
    expect(await cache.getOrSet('key', () => 'loaded')).toBe('loaded')
    await cache.set('key', 'value')
    await cache.invalidateTags(['tag'])
    expect(cache.stats().redis?.circuit).toBe('open')
    await cache.close()
  })
})

async function closedClient(
  name: string,
): Promise<{ redis: RedisLike; close: () => Promise<unknown> }> {
  if (name === 'ioredis') {
    const client = new Redis(server.url)
    client.on('error', () => {})
    await client.ping()
    return { redis: fromIoredis(client), close: () => client.quit() }
  }
  const client = createClient({ url: server.url })
  client.on('error', () => {})
  await client.connect()
  return { redis: fromNodeRedis(client), close: () => client.close() }
}
