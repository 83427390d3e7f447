import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import type { RedisLike, RedisListener } from '../../src/index.ts'
import { fresh, until, useRedisTiers, type TierUnderTest } from './redis-tiers.ts'

const { server, clients, open } = await useRedisTiers()
const busLostMs = 1_000
const beatMs = 334

/** Waits until its subscription stands and has proved itself. */
async function hears({ tier, clock }: TierUnderTest): Promise<void> {
  await until(() => {
    if (!tier.isHeard) clock.advance(beatMs)
    return tier.isHeard
  })
}

describe.each(Object.entries(clients))('on %s', (_, redis) => {
  async function openTwo(): Promise<[TierUnderTest, TierUnderTest]> {
    const [one, two] = open(2, redis, { busLostMs }) as [TierUnderTest, TierUnderTest]
    await Promise.all([hears(one), hears(two)])
    one.heard.length = two.heard.length = 0
    return [one, two]
  }

  test('what one process does the others hear, and not the one itself', async () => {
    const [one, two] = await openTwo()
    await one.tier.set('a', fresh(1))
    await one.tier.setMany([
      ['b', fresh(2)],
      ['c', fresh(3)],
    ])
    await one.tier.delete('schlüssel\n"1"')
    await one.tier.invalidate(['t', 'u'])
    await one.tier.expire(['v', 'w'])
    const expected = [
      'written a',
      'written b c',
      'written schlüssel\n"1"',
      'invalidated t u',
      'expired v',
      'expired w',
    ]
    await until(() => two.heard.length === expected.length)
    expect(two.heard).toEqual(expected)
    expect(one.heard).toEqual([])
  })

  test('a long list comes in several messages, whole', async () => {
    const [one, two] = await openTwo()
    const tags = Array.from({ length: 450 }, (__, index) => `tag-${index}`)
    await one.tier.invalidate(tags)
    await until(() => two.heard.length === 3)
    expect(two.heard.map((text) => text.replace('invalidated ', '')).join(' ')).toBe(tags.join(' '))
  })

  test('whoever hears of a write finds it', async () => {
    const [one] = await openTwo()
    await one.tier.set('key', fresh('old', { tags: ['tag'] }))
    const reads: Promise<readonly [string, unknown]>[] = []
    const look = (kind: string) => {
      const reading = two.tier.read('key', [])
      reads.push(reading.then((answer) => [kind, answer?.found?.value]))
    }
    const [two] = open(1, redis, {
      namespace: one.namespace,
      foreign: {
        written: () => look('written'),
        invalidated: () => look('invalidated'),
        expired: () => look('expired'),
        flush: () => {},
      },
    }) as [TierUnderTest]
    await hears(two)
    // The first expiry on a server sends its script a second time: Redis has not seen it before.
    await one.tier.expire(['tag'])
    await until(() => reads.length === 1)
    await one.tier.invalidate(['tag'])
    await until(() => reads.length === 2)
    await one.tier.set('key', fresh('new'))
    await until(() => reads.length === 3)
    const seen = await Promise.all(reads)
    expect(seen).toEqual([
      ['expired', undefined],
      ['invalidated', undefined],
      ['written', 'new'],
    ])
  })

  test('a foreign message that nobody understands means anything', async () => {
    const [one] = await openTwo()
    const channel = `${one.namespace}:bus`
    await redis.publish(channel, 'who knows')
    await redis.publish(channel, 'aaaaaaaaaaaaw["broken')
    await until(() => one.heard.length === 2)
    expect(one.heard).toEqual(['flush', 'flush'])
  })

  test('memory is believed only while it is proved that others are heard', async () => {
    let messages = 0
    const counting: RedisLike = {
      ...redis,
      subscribe: (channel, listener, options) => {
        const message = (payload: Buffer) => {
          listener.message(payload)
          messages++
        }
        return redis.subscribe(channel, { ...listener, message }, options)
      },
    }
    const [one] = open(1, counting, { busLostMs }) as [TierUnderTest]
    expect(one.tier.isHeard).toBe(false)
    await until(() => messages === 1)
    expect(one.heard).toEqual(['flush'])
    for (let beat = 1; beat <= 20; beat++) {
      expect(one.tier.isHeard).toBe(true)
      one.clock.advance(beatMs)
      await until(() => messages === 1 + beat)
    }
    expect(one.heard).toEqual(['flush'])

    await server.freeze()
    one.clock.advance(beatMs)
    expect(one.tier.isHeard).toBe(true)
    one.clock.advance(busLostMs - beatMs)
    expect(one.tier.isHeard).toBe(false)
    await server.thaw()
    await hears(one)
    // Nothing was missed: what was said meanwhile came in its turn.
    expect(one.heard).toEqual(['flush'])
  })

  test('after a lost connection memory is flushed before it is believed again', async () => {
    const [one] = await openTwo()
    await server.kill()
    one.clock.advance(busLostMs)
    expect(one.tier.isHeard).toBe(false)
    await server.restart()
    let wasFlushed = false
    await until(() => {
      wasFlushed ||= one.heard.includes('flush')
      if (!one.tier.isHeard) one.clock.advance(beatMs)
      return one.tier.isHeard
    })
    expect(one.heard[0]).toBe('flush')
  })

  test('a connection that dies without a word is found out and made anew', async () => {
    const listeners: RedisListener[] = []
    let isDeaf = false
    const deafened: RedisLike = {
      ...redis,
      subscribe: (channel, listener, options) => {
        const message = (payload: Buffer) => {
          if (!isDeaf || listener !== listeners[0]) listener.message(payload)
        }
        listeners.push(listener)
        return redis.subscribe(channel, { ...listener, message }, options)
      },
    }
    const [one] = open(1, deafened, { busLostMs }) as [TierUnderTest]
    await hears(one)
    isDeaf = true
    await until(() => {
      one.clock.advance(beatMs)
      return listeners.length === 2
    })
    expect(one.tier.isHeard).toBe(false)
    await hears(one)
    expect(one.heard).toEqual(['flush', 'flush'])
  })

  test('what was owed to Redis is told when it is paid', async () => {
    const [one, two] = await openTwo()
    await one.tier.set('key', fresh(1, { tags: ['tag'] }))
    await server.freeze()
    const deleting = one.tier.delete('gone')
    one.clock.advance(50)
    await deleting
    await one.tier.invalidate(['tag'])
    await one.tier.expire(['tag', 'other'])
    expect(one.tier.stats).toMatchObject({ circuit: 'open', owed: 4 })
    await server.thaw()
    await until(() => {
      one.clock.advance(250)
      return one.tier.stats.owed === 0
    })
    await until(() => two.heard.some((text) => text.startsWith('expired')))
    // An expiry does not take the place of the invalidation that is owed.
    expect(two.heard).toEqual(
      expect.arrayContaining(['written gone', 'invalidated tag', 'expired other']),
    )
    expect((await two.tier.read('key', []))?.found).toBeUndefined()
  })

  test('a full Redis takes no invalidation, so it deletes, and others hear of it after that', async () => {
    const [one, two] = await openTwo()
    await one.tier.set('key', fresh('old', { tags: ['tag'] }))
    await one.tier.set('other', fresh('old'))
    await until(() => two.heard.length === 2)
    await server.fill()
    try {
      await one.tier.invalidate(['tag'])
      expect((await two.tier.read('key', []))?.found).toBeUndefined()
      await one.tier.set('other', fresh('new'))
      expect((await two.tier.read('other', []))?.found).toBeUndefined()
      expect(one.tier.stats).toMatchObject({ circuit: 'closed', owed: 0 })
      expect(two.heard.filter((text) => text === 'invalidated tag').length).toBeGreaterThan(1)
    } finally {
      await server.empty()
    }
  })

  test('where Redis forbids the channel all go by Redis alone, until it allows it', async () => {
    const admin = createClient({ url: server.url })
    await admin.connect()
    await admin.sendCommand(['ACL', 'SETUSER', 'default', 'resetchannels'])
    const [one, two] = open(2, redis, { busLostMs }) as [TierUnderTest, TierUnderTest]
    await until(() => one.troubles.includes('subscribe'))
    await one.tier.set('key', fresh('value'))
    await one.tier.delete('other')
    expect(one.tier.stats).toMatchObject({ circuit: 'closed', owed: 0 })
    expect(one.troubles).toContain('publish')
    expect((await two.tier.read('key', []))?.found?.value).toBe('value')
    expect(one.tier.isHeard).toBe(false)
    await admin.sendCommand(['ACL', 'SETUSER', 'default', 'allchannels'])
    await hears(one)
    admin.destroy()
  })

  test('without a bus memory is always believed, and nobody is told', async () => {
    const [one] = open(1, redis, { bus: false }) as [TierUnderTest]
    const channel = `${one.namespace}:bus`
    expect(one.tier.isHeard).toBe(true)
    const heard: string[] = []
    const message = (payload: Buffer) => void heard.push(String(payload))
    const subscription = await redis.subscribe(channel, { message })
    await one.tier.invalidate(['tag'])
    await redis.publish(channel, 'end')
    await until(() => heard.length > 0)
    expect(heard).toEqual(['end'])
    await subscription.close()
  })
})
