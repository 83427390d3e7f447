import { describe, expect, test } from 'vitest'
import type { Claim, RedisGap } from '../../src/cache/redis-tier.ts'
import { fresh, until, useRedisTiers, type TierUnderTest } from './redis-tiers.ts'

const { server, clients, open } = await useRedisTiers()
const leaseMs = 5_000
/** Time passes faster here than Redis answers: see `outcome`. */
const timeoutMs = 3_000

describe.each(Object.entries(clients))('on %s', (_, redis) => {
  const openSome = (count: number) => open(count, redis, { timeoutMs, leaseMs, bus: false })

  /** Reads a key, and claims it. */
  async function claim(
    { tier }: TierUnderTest,
    options: { tags?: string[]; signal?: AbortSignal; isRefresh?: boolean } = {},
  ): Promise<Claim> {
    const { tags = [], signal = new AbortController().signal, isRefresh = false } = options
    return tier.claim('key', await gapOf({ tier }, tags), { tags, signal, isRefresh })
  }

  async function gapOf(
    { tier }: Pick<TierUnderTest, 'tier'>,
    tags: string[] = [],
  ): Promise<RedisGap> {
    const answer = await tier.read('key', tags)
    if (answer === undefined) throw new Error('Redis did not answer')
    return answer.gap
  }

  const inPatience = { tags: [], signal: new AbortController().signal, isRefresh: false }

  /** The outcome of a claim that waits, while time passes for it. */
  async function outcome({ clock }: TierUnderTest, claiming: Promise<Claim>): Promise<Claim> {
    let claimed: Claim | undefined
    void claiming.then((value) => (claimed = value))
    await until(() => {
      clock.advance(10)
      return claimed !== undefined
    })
    return claiming
  }

  function granted(claimed: Claim): Claim & { kind: 'load' } {
    if (claimed.kind !== 'load' || claimed.lease === undefined) throw new Error('no lease')
    return claimed
  }

  test.each([[[]], [['tag', 'other']]])(
    'of many who ask at once one loads, and the others get its value: tags %j',
    async (tags) => {
      const tiers = openSome(8)
      const claims = tiers.map((one) => claim(one, { tags }))
      const [first] = await Promise.race(claims.map(async (claiming) => [await claiming] as const))
      const holder = granted(first)
      let others = 0
      const waiting = claims.map(async (claiming, index) => {
        const one = tiers[index] as TierUnderTest
        const claimed = await outcome(one, claiming)
        if (claimed.kind === 'load')
          one.tier.fill('key', fresh('value', { tags }), holder.gap, holder.lease)
        else others++
        return claimed
      })
      const outcomes = await Promise.all(waiting)
      expect(others).toBe(7)
      const found = outcomes.filter(({ kind }) => kind === 'found')
      expect(found).toHaveLength(7)
      for (const one of found) expect(one).toMatchObject({ found: { value: 'value', tags } })
    },
  )

  test('who asks after the value was stored finds it, and takes no lease', async () => {
    const [one, two] = openSome(2) as [TierUnderTest, TierUnderTest]
    const before = await gapOf(two)
    const holder = granted(await claim(one))
    one.tier.fill('key', fresh('value'), holder.gap, holder.lease)
    await until(async () => (await two.tier.read('key', []))?.found !== undefined)
    const claimed = await two.tier.claim('key', before, inPatience)
    expect(claimed).toMatchObject({ kind: 'found', found: { value: 'value' } })
    await until(async () => (await redis.get(`${one.namespace}:l:key`)) === null)
  })

  test('a lease is kept up while its holder lives, and taken over once when it has died', async () => {
    const [one, two, three] = openSome(3) as [TierUnderTest, TierUnderTest, TierUnderTest]
    granted(await claim(one))
    const leaseKey = `${one.namespace}:l:key`
    const token = await redis.get(leaseKey)
    // Redis goes by its own clock: it would have forgotten this at once.
    await redis.set(leaseKey, token ?? '', { ttlMs: 1 })
    one.clock.advance(leaseMs / 3)
    await until(async () => (await redis.get(leaseKey))?.equals(token ?? Buffer.alloc(0)) === true)

    const claims = [two, three].map(async (waiter) => outcome(waiter, claim(waiter)))
    await redis.delete([leaseKey])
    const next = granted(await Promise.race(claims))
    two.tier.fill('key', fresh('second'), next.gap, next.lease)
    const outcomes = await Promise.all(claims)
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['found', 'load'])
  })

  test('who has lost the lease harms neither the new holder nor its value', async () => {
    const [one, two] = openSome(2) as [TierUnderTest, TierUnderTest]
    const lost = granted(await claim(one))
    await redis.delete([`${one.namespace}:l:key`])
    const holder = granted(await claim(two))
    one.clock.advance(leaseMs / 3)
    two.tier.fill('key', fresh('new'), holder.gap, holder.lease)
    await until(() => two.tier.stats.writes === 1)
    one.tier.fill('key', fresh('old'), lost.gap, lost.lease)
    await until(() => one.tier.stats.droppedWrites === 1)
    expect((await two.tier.read('key', []))?.found?.value).toBe('new')
  })

  test('where the holder had nothing to store, those who wait load at once, all of them', async () => {
    const [one, two, three] = openSome(3) as [TierUnderTest, TierUnderTest, TierUnderTest]
    const holder = granted(await claim(one))
    const waiting = [two, three].map(async (waiter) => outcome(waiter, claim(waiter)))
    holder.lease?.end()
    const outcomes = await Promise.all(waiting)
    for (const claimed of outcomes)
      expect(claimed).toMatchObject({ kind: 'load', lease: undefined })
    expect(await claim(two, { isRefresh: true })).toEqual({ kind: 'busy' })
    // The mark goes by itself.
    await until(async () => (await redis.get(`${one.namespace}:l:key`)) === null)
    granted(await claim(two))
  })

  test('a lease that was handed over ends with the value, or with its not being stored', async () => {
    const [one, two] = openSome(2) as [TierUnderTest, TierUnderTest]
    const holder = granted(await claim(one))
    await two.tier.set('key', fresh('written'))
    one.tier.fill('key', fresh('overtaken'), holder.gap, holder.lease)
    holder.lease?.end()
    await until(() => one.tier.stats.droppedWrites === 1)
    expect((await one.tier.read('key', []))?.found?.value).toBe('written')
    await until(async () => (await redis.get(`${one.namespace}:l:key`))?.length === 0)
  })

  test.each([
    ['it is written', ({ tier }: TierUnderTest) => tier.delete('key')],
    ['its tag is invalidated', ({ tier }: TierUnderTest) => tier.invalidate(['tag'])],
    ['its tag expires', ({ tier }: TierUnderTest) => tier.expire(['tag'])],
  ])('nobody waits for the load of a key that began before %s', async (__, change) => {
    const [holder, other] = open(2, redis, { timeoutMs, leaseMs: 60_000 }) as [
      TierUnderTest,
      TierUnderTest,
    ]
    await until(() => holder.heard.includes('flush'))
    for (const changing of [holder, other]) {
      granted(await claim(holder, { tags: ['tag', 'more'] }))
      const waiting = outcome(other, claim(other, { tags: ['tag', 'more'] }))
      await change(changing)
      const next = granted(await waiting)
      next.lease?.handOver()(true)
      await until(async () => (await redis.get(`${holder.namespace}:l:key`)) === null)
    }
  })

  test('a refresh does not wait', async () => {
    const [one, two] = openSome(2) as [TierUnderTest, TierUnderTest]
    granted(await claim(one, { isRefresh: true }))
    expect(await claim(two, { isRefresh: true })).toEqual({ kind: 'busy' })
  })

  test('a value that is fresh already does not keep a refresh from loading it anew', async () => {
    const [one] = openSome(1) as [TierUnderTest]
    await one.tier.set('key', fresh('value'))
    granted(await claim(one, { isRefresh: true }))
  })

  test('who stops waiting is gone at once, and leaves no lease behind', async () => {
    const [one, two] = openSome(2) as [TierUnderTest, TierUnderTest]
    const holder = granted(await claim(one))
    const controller = new AbortController()
    const waiting = claim(two, { signal: controller.signal })
    controller.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    const asking = new AbortController()
    holder.lease?.handOver()(true)
    await until(async () => (await redis.get(`${one.namespace}:l:key`)) === null)
    const claiming = claim(two, { signal: asking.signal })
    asking.abort(new Error('gone'))
    await expect(claiming).rejects.toThrow('gone')
    await until(async () => (await redis.get(`${one.namespace}:l:key`)) === null)
  })

  test('a flush takes the lease, and the holder takes it again', async () => {
    const [one] = openSome(1) as [TierUnderTest]
    const holder = granted(await claim(one, { tags: ['tag'] }))
    await server.flush()
    one.clock.advance(leaseMs / 3)
    await until(async () => (await redis.get(`${one.namespace}:l:key`)) !== null)
    one.tier.fill('key', fresh('value'), holder.gap, holder.lease)
    await until(async () => (await redis.get(`${one.namespace}:l:key`)) === null)
  })

  test('trouble with Redis ends the waiting', async () => {
    const [one, two] = openSome(2) as [TierUnderTest, TierUnderTest]
    granted(await claim(one))
    const gap = await gapOf(two)
    const waiting = two.tier.claim('key', gap, inPatience)
    await server.freeze()
    expect(await outcome(two, waiting)).toMatchObject({ kind: 'load', lease: undefined })
    expect(two.tier.stats.circuit).toBe('open')
  })

  test('a lease that comes too late is given back', async () => {
    const [one, two] = openSome(2) as [TierUnderTest, TierUnderTest]
    const gap = await gapOf(one)
    await server.freeze()
    const claiming = one.tier.claim('key', gap, inPatience)
    expect(await outcome(one, claiming)).toMatchObject({ kind: 'load', lease: undefined })
    await server.thaw()
    granted(await outcome(two, claim(two)))
  })

  test('without leases every process loads for itself', async () => {
    const tiers = open(2, redis, { leaseMs: false, bus: false })
    for (const one of tiers)
      expect(await claim(one)).toMatchObject({ kind: 'load', lease: undefined })
  })

  test('a tier that closes leaves no one waiting', async () => {
    const [one, two] = openSome(2) as [TierUnderTest, TierUnderTest]
    granted(await claim(one))
    const waiting = outcome(two, claim(two))
    await one.tier.close()
    expect(await waiting).toMatchObject({ kind: 'load', lease: undefined })
  })
})
