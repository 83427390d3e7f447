import { startRedis } from '@hotpath/services'
import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import { fromNodeRedis, redisScript, type RedisLike } from '../../src/index.ts'
import { fresh, until, useRedisTiers, type TierUnderTest } from './redis-tiers.ts'

const { clients, open } = await useRedisTiers()
const pttl = redisScript('return redis.call("PTTL", KEYS[1])')
const stale = { ttlMs: 1_000, staleMs: 2_000, staleIfErrorMs: 5_000 }

async function found({ tier }: TierUnderTest, key: string): Promise<unknown> {
  return (await tier.read(key, []))?.found
}

describe.each(Object.entries(clients))('on %s', (_, redis) => {
  const openTwo = () => open(2, redis) as [TierUnderTest, TierUnderTest]

  test('a value is stale after its TTL, for as long as it may be, and then gone', async () => {
    const [one, two] = openTwo()
    await one.tier.set('key', fresh('value', { ...stale, loadMs: 12.5, tags: ['tag'] }))
    expect(await found(two, 'key')).toEqual(
      fresh('value', { ...stale, loadMs: 12.5, tags: ['tag'] }),
    )
    const keptMs = await redis.runScript(pttl, [`${one.namespace}:v:key`], [])
    expect(keptMs).toBeGreaterThan(5_900)
    expect(keptMs).toBeLessThanOrEqual(6_000)
    two.clock.advance(1_500)
    expect(await found(two, 'key')).toMatchObject({ value: 'value', ttlMs: -500, staleMs: 2_000 })
    two.clock.advance(4_499)
    expect(await found(two, 'key')).toMatchObject({ ttlMs: -4_999 })
    two.clock.advance(1)
    expect(await found(two, 'key')).toBeUndefined()
  })

  test('an expired tag makes its values stale from then on, and no others', async () => {
    const [one, two] = openTwo()
    const options = { ...stale, ttlMs: 60_000 }
    await one.tier.set('key', fresh('value', { ...options, tags: ['tag', 'other'] }))
    await one.tier.set('untouched', fresh('value', { ...options, tags: ['other'] }))
    for (const { clock } of [one, two]) clock.advance(100)
    await one.tier.expire(['tag'])
    expect(await found(two, 'key')).toMatchObject({ value: 'value', ttlMs: 0 })
    for (const { clock } of [one, two]) clock.advance(400)
    // A second expiry does not make it younger.
    await one.tier.expire(['tag'])
    expect(await found(two, 'key')).toMatchObject({ ttlMs: -400 })
    expect(await found(two, 'untouched')).toMatchObject({ ttlMs: 59_500 })

    await two.tier.set('key', fresh('new', { ...options, tags: ['tag', 'other'] }))
    expect(await found(one, 'key')).toMatchObject({ value: 'new', ttlMs: 60_000 })
    await one.tier.invalidate(['tag'])
    expect(await found(two, 'key')).toBeUndefined()
    await one.tier.expire(['tag'])
    expect(await found(two, 'key')).toBeUndefined()
  })

  test('a value that may not be served stale is missing when its tag expires', async () => {
    const [one, two] = openTwo()
    await one.tier.set('key', fresh('value', { tags: ['tag'] }))
    await two.tier.expire(['tag'])
    expect(await found(one, 'key')).toBeUndefined()
  })

  test('a load that an expiry has overtaken is stored as stale', async () => {
    const [one, two] = openTwo()
    const answer = await one.tier.read('key', ['tag'])
    await two.tier.expire(['tag'])
    if (answer === undefined) throw new Error('Redis did not answer')
    const value = fresh('old', { ...stale, tags: ['tag'] })
    one.tier.fill('key', value, answer.gap)
    await until(() => one.tier.stats.writes === 1)
    expect(await found(two, 'key')).toMatchObject({ value: 'old', ttlMs: 0 })
  })

  test('many are read and written at once, each with the tags of its own', async () => {
    const [one, two] = openTwo()
    await one.tier.setMany([
      ['a', fresh(1, { tags: ['x'] })],
      ['b', fresh(2, { tags: ['x', 'y'] })],
      ['c', fresh(undefined)],
    ])
    const values = async () => {
      const many = await two.tier.readMany(['c', 'a', 'nothing', 'b'])
      return many?.map((each) => each && { value: each.value, tags: each.tags })
    }
    expect(await values()).toEqual([
      { value: undefined, tags: [] },
      { value: 1, tags: ['x'] },
      undefined,
      { value: 2, tags: ['x', 'y'] },
    ])
    await one.tier.invalidate(['y'])
    expect(await values()).toEqual([
      { value: undefined, tags: [] },
      { value: 1, tags: ['x'] },
      undefined,
      undefined,
    ])
    await one.tier.setMany([])
    expect(await two.tier.readMany([])).toEqual([])
  })

  test('nothing of many is written where one cannot be sent', async () => {
    const [one] = openTwo()
    const entries = [
      ['a', fresh(1)],
      ['b', fresh(() => 1)],
    ] as const
    expect(() => one.tier.setMany(entries)).toThrow(
      expect.objectContaining({ code: 'HOTPATH_CACHE_VALUE_INVALID' }),
    )
    expect(await found(one, 'a')).toBeUndefined()
    expect(one.tier.stats.owed).toBe(0)
  })

  test('large values take less room, and come back as they were', async () => {
    const [plain] = openTwo()
    const [small, reader] = open(2, redis, { compressMinBytes: 1_000 }) as [
      TierUnderTest,
      TierUnderTest,
    ]
    const rows = (count: number) =>
      Array.from({ length: count }, (__, id) => ({ id, at: new Date(id) }))
    for (const count of [1, 50, 5_000]) {
      const value = rows(count)
      for (const { tier } of [plain, small]) await tier.set('key', fresh(value))
      expect(await found(reader, 'key')).toMatchObject({ value })
      const stored = async ({ namespace }: TierUnderTest) =>
        (await redis.get(`${namespace}:v:key`))?.length ?? 0
      const ratio = (await stored(small)) / (await stored(plain))
      expect(ratio < 0.6).toBe(count > 1)
    }
  })

  test('values travel as JSON where that is asked for', async () => {
    const [one, two] = open(2, redis, { serializer: 'json' }) as [TierUnderTest, TierUnderTest]
    await one.tier.set('key', fresh({ at: new Date(0) }))
    expect(await found(two, 'key')).toMatchObject({ value: { at: '1970-01-01T00:00:00.000Z' } })
  })

  test('to invalidate takes one round trip, whatever the number of tags and values', async () => {
    const sent: string[] = []
    const watched: RedisLike = {
      ...redis,
      set: (key, ...rest) => (sent.push(`set ${key}`), redis.set(key, ...rest)),
      publish: (channel, text) => (sent.push(`publish ${channel}`), redis.publish(channel, text)),
    }
    const [one] = open(1, watched, { foreign: undefined }) as [TierUnderTest]
    const done = one.tier.invalidate(['a', 'b'])
    // In this very tick, so in one write and before any answer.
    const { namespace } = one
    const tags = ['', 'a', 'b'].map((tag) => `set {${namespace}:t}:${tag}`)
    expect(sent).toEqual([...tags, `publish ${namespace}:bus`])
    await done
    expect(sent).toHaveLength(4)
  })
})

test('a cluster takes every command', async () => {
  await using server = await startRedis({ settings: { 'cluster-enabled': 'yes' } })
  const client = createClient({ url: server.url })
  client.on('error', () => {})
  await client.connect()
  await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383'])
  await until(async () =>
    String(await client.sendCommand(['CLUSTER', 'INFO'])).includes('state:ok'),
  )

  const [one, two] = open(2, fromNodeRedis(client)) as [TierUnderTest, TierUnderTest]
  await one.tier.setMany([
    ['a', fresh(1, { tags: ['x', 'y'], ...stale })],
    ['b', fresh(2, { tags: ['z'], ...stale })],
  ])
  expect((await two.tier.readMany(['a', 'b']))?.map((each) => each?.value)).toEqual([1, 2])
  await two.tier.expire(['x', 'z'])
  expect(await found(one, 'b')).toMatchObject({ value: 2, ttlMs: 0 })
  await two.tier.invalidate(['y', 'z'])
  const answer = await one.tier.read('a', ['x', 'y'])
  if (answer === undefined) throw new Error('Redis did not answer')
  const options = { tags: ['x', 'y'], signal: new AbortController().signal, isRefresh: false }
  const claimed = await one.tier.claim('a', answer.gap, options)
  if (claimed.kind !== 'load') throw new Error(`the claim is ${claimed.kind}`)
  one.tier.fill('a', fresh(3, { tags: ['x', 'y', 'late'] }), claimed.gap, claimed.lease)
  await until(async () => (await two.tier.read('a', []))?.found?.value === 3)
  await two.tier.delete('a')
  expect(await found(one, 'a')).toBeUndefined()
  expect([...one.troubles, ...two.troubles]).toEqual([])
  await Promise.all([one.tier.close(), two.tier.close()])
  client.destroy()
})
