import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fromIoredis, listen, type RedisLike } from '../../src/index.ts'
import { Redis } from 'ioredis'
import {
  createLimiter,
  type Decision,
  type PolicyInput,
  type SharedLimiter,
} from '../../src/limit/index.ts'
import { resolvePolicies } from '../../src/limit/policy.ts'
import { takeArguments, takeReplies, takeScript } from '../../src/limit/redis-take.ts'
import { Random } from '../../examples/api/data/random.ts'
import { until, useRedisTiers } from './redis-tiers.ts'

const { server, clients } = await useRedisTiers()

const opened: SharedLimiter[] = []
afterEach(async () => {
  await server.thaw()
  for (const limiter of opened.splice(0)) await limiter.close()
})

// A client that has lost its server comes back by itself, some time after the server does.
beforeEach(async () => {
  for (const redis of Object.values(clients)) {
    await until(() =>
      redis.get('is it there').then(
        () => true,
        () => false,
      ),
    )
  }
})

let names = 0
type Options = Partial<Parameters<typeof createLimiter>[1]>

/** Enough on a machine that has other things to do. */
const patient = 5_000

/** Limiters that stand for processes: they share a name, and nothing else. */
function open(count: number, redis: RedisLike, policies: PolicyInput, options: Options = {}) {
  const name = `limiter ${names++}`
  return Array.from({ length: count }, () => {
    const limiter = createLimiter(policies, {
      name,
      maxKeys: 1_000,
      redisTimeoutMs: patient,
      ...options,
      redis,
    })
    opened.push(limiter)
    return limiter
  }) as [SharedLimiter, ...SharedLimiter[]]
}

/** A connection of its own, for commands that are no business of a limiter. */
async function command(...[name, ...words]: string[]): Promise<void> {
  const client = new Redis(server.url)
  await client.call(name ?? '', ...words)
  client.disconnect()
}

async function takeAll(limiters: readonly SharedLimiter[], key: string, times: number) {
  const decisions: Decision[] = []
  for (let time = 0; time < times; time++) {
    const limiter = limiters[time % limiters.length] as SharedLimiter
    decisions.push(await limiter.take(key))
  }
  return decisions
}

describe.each(Object.entries(clients))('on %s', (_name, redis) => {
  test('processes share one count', async () => {
    const limiters = open(3, redis, '10/hour')
    const decisions = await takeAll(limiters, 'a', 12)
    expect(decisions.filter(({ isAllowed }) => isAllowed)).toHaveLength(10)
    expect(await limiters[0].take('b')).toMatchObject({
      isAllowed: true,
      policy: '10/hour',
      limit: 10,
    })
  })

  test('one process alone is told what is left, and how long to wait', async () => {
    const [limiter] = open(1, redis, '3/minute')
    const left = (await takeAll([limiter], 'a', 3)).map(({ remaining }) => remaining)
    expect(left).toEqual([2, 1, 0])
    const refusal = await limiter.take('a')
    expect(refusal.isAllowed).toBe(false)
    expect(refusal.retryAfterMs).toBeGreaterThan(19_000)
    expect(refusal.retryAfterMs).toBeLessThanOrEqual(20_000)
    const { asked } = limiter.stats()
    // Known: nothing is asked.
    expect(limiter.take('a')).toMatchObject({ isAllowed: false })
    expect(limiter.stats()).toMatchObject({ asked, fromDenial: 1, allowed: 3, denied: 2 })
  })

  test('several policies are charged all or none', async () => {
    const [limiter] = open(1, redis, '2/second and 3/hour')
    await takeAll([limiter], 'a', 2)
    expect(await limiter.take('a')).toMatchObject({ isAllowed: false, policy: '2/second' })
    await until(async () => (await limiter.peek('a')).isAllowed)
    // The hour was not charged for what the second has refused.
    expect(await limiter.peek('a')).toMatchObject({ isAllowed: true, remaining: 1 })
  })

  test('weighs uses; a refusal of a dear one says nothing of a cheap one', async () => {
    const [limiter] = open(1, redis, '10/hour')
    expect((await limiter.take('a', 7)).isAllowed).toBe(true)
    expect((await limiter.take('a', 4)).isAllowed).toBe(false)
    expect((await limiter.take('a', 3)).isAllowed).toBe(true)
    expect(await limiter.take('a', 11)).toMatchObject({ isAllowed: false, retryAfterMs: Infinity })
  })

  test('peeks without a charge, and forgives', async () => {
    const [limiter] = open(1, redis, '1/hour')
    expect((await limiter.peek('a')).isAllowed).toBe(true)
    expect((await limiter.take('a')).isAllowed).toBe(true)
    expect((await limiter.peek('a')).isAllowed).toBe(false)
    await limiter.reset('a')
    expect((await limiter.take('a')).isAllowed).toBe(true)
  })

  test('a hot key is served from uses that were taken in advance, and the rest is given back', async () => {
    const [one, other] = open(2, redis, '1000/hour') as [SharedLimiter, SharedLimiter]
    await takeAll([one], 'a', 200)
    const { fromLease, asked } = one.stats()
    expect(fromLease + asked).toBeGreaterThanOrEqual(200)
    expect(asked).toBeLessThan(30)
    await one.close()
    await expect.poll(async () => (await other.peek('a')).remaining).toBe(800)
  })

  test('what is left of a lease that nobody spends from is given back soon', async () => {
    const [one, other] = open(2, redis, '1000/hour') as [SharedLimiter, SharedLimiter]
    await takeAll([one], 'a', 50)
    await expect.poll(async () => (await other.peek('a')).remaining, { timeout: 3_000 }).toBe(950)
  })

  test('a process that dies takes no more with it than its lease', async () => {
    const client = new Redis(server.url)
    const [dying] = open(1, fromIoredis(client), '400/hour')
    await takeAll([dying], 'a', 20)
    client.disconnect()
    const other = createLimiter('400/hour', {
      name: dying.name,
      redis,
      maxKeys: 1_000,
      redisTimeoutMs: patient,
    })
    opened.push(other)
    let admitted = 20
    for (let time = 0; time < 500; time++) if ((await other.take('a')).isAllowed) admitted++
    expect(admitted).toBeLessThanOrEqual(400)
    // When the lease has run out, it counts as spent.
    await expect.poll(async () => (await other.peek('a')).remaining, { timeout: 3_000 }).toBe(0)
    expect(admitted).toBeGreaterThan(250)
  })

  test('together they admit no more than the burst and the rate, and hardly less', async () => {
    // A machine that is busy is no outage, in which each would decide by itself.
    const limiters = open(4, redis, '400/second', { redisTimeoutMs: 5_000 })
    const admissions: number[] = []
    const startedMs = performance.now()
    const untilMs = startedMs + 1_500
    let longestMs = 0
    const work = async (limiter: SharedLimiter) => {
      while (performance.now() < untilMs) {
        const sentMs = performance.now()
        const decision = await limiter.take('a')
        const nowMs = performance.now()
        longestMs = Math.max(longestMs, nowMs - sentMs)
        if (decision.isAllowed) admissions.push(nowMs)
        else await new Promise(setImmediate)
      }
    }
    await Promise.all(limiters.flatMap((limiter) => [work(limiter), work(limiter)]))
    admissions.sort((a, b) => a - b)
    // An admission is counted when its process hears of it: later than Redis has charged it.
    for (let first = 0; first < admissions.length; first += 7) {
      for (let last = first; last < admissions.length; last += 5) {
        const tookMs = (admissions[last] ?? 0) - (admissions[first] ?? 0)
        const most = 400 + 0.4 * (tookMs + longestMs)
        expect(last - first + 1).toBeLessThanOrEqual(most + 1)
      }
    }
    expect(admissions.length).toBeGreaterThan(0.95 * (400 + 0.4 * 1_500))
  })

  test('many that ask at once are decided about one by one', async () => {
    const [limiter] = open(1, redis, '100/hour')
    const decisions = await Promise.all(Array.from({ length: 500 }, async () => limiter.take('a')))
    expect(decisions.filter(({ isAllowed }) => isAllowed)).toHaveLength(100)
    expect(limiter.stats().asked).toBeLessThan(50)
  })

  test('scripts and keys that Redis has forgotten', async () => {
    const [limiter] = open(1, redis, '5/hour')
    await limiter.take('a')
    await command('SCRIPT', 'FLUSH')
    expect(await limiter.take('a')).toMatchObject({ isAllowed: true, remaining: 3 })
    await command('FLUSHALL')
    await takeAll([limiter], 'b', 5)
    expect((await limiter.take('b')).isAllowed).toBe(false)
    expect(limiter.stats().errors).toBe(0)
  })

  test('uses that Redis did not hear of stay used when a question is lost', async () => {
    let questions = 0
    const losing: RedisLike = {
      ...redis,
      runScript: (script, keys, values) =>
        keys[0]?.endsWith(':key}') === true && ++questions % 3 === 0
          ? Promise.reject(new Error('ERR this question was lost'))
          : redis.runScript(script, keys, values),
    }
    const limiters = open(1, losing, '1000/10 years', { onStoreError: 'deny' })
    const decisions = await takeAll(limiters, 'key', 4_000)
    const admitted = decisions.filter(({ isAllowed }) => isAllowed).length
    expect(limiters[0].stats().withoutRedis).toBeGreaterThan(0)
    expect(admitted).toBeGreaterThan(0)
    expect(admitted).toBeLessThanOrEqual(1_000)
  })

  test('a key that is in the way of others that are asked for at once', async () => {
    const [limiter] = open(1, redis, '5/hour')
    await command('SET', `hotpath:limit:{${encodeURIComponent(limiter.name)}:a}`, 'a string')
    const decisions = await Promise.all(['a', 'b', 'c'].map(async (key) => limiter.take(key)))
    expect(decisions.map(({ isAllowed }) => isAllowed)).toEqual([true, true, true])
    expect(limiter.stats()).toMatchObject({ isReachable: true, withoutRedis: 1 })
  })

  test('in a cluster each key is asked for alone', async () => {
    const sizes: number[] = []
    const cluster: RedisLike = {
      ...redis,
      runScript: (script, keys, values) => {
        if (keys[0]?.endsWith(':nodes') !== true) sizes.push(keys.length)
        return keys.length > 1
          ? Promise.reject(new Error("CROSSSLOT Keys in request don't hash to the same slot"))
          : redis.runScript(script, keys, values)
      },
    }
    const [limiter] = open(1, cluster, '5/hour')
    const takeTwo = () => Promise.all([limiter.take('a'), limiter.take('b')])
    expect(await takeTwo()).toMatchObject([{ remaining: 4 }, { remaining: 4 }])
    expect(await takeTwo()).toMatchObject([{ remaining: 3 }, { remaining: 3 }])
    expect(sizes).toEqual([2, 1, 1, 1, 1])
    expect(limiter.stats()).toMatchObject({ errors: 0, withoutRedis: 0 })
  })

  test('a name and a key do not read like another name and key', async () => {
    const name = `one ${names++}`
    const [one] = open(1, redis, '1/hour', { name })
    const [other] = open(1, redis, '1/hour', { name: `${name}:two` })
    expect(await one.take('two:three')).toMatchObject({ isAllowed: true })
    expect(await other.take('three')).toMatchObject({ isAllowed: true })
  })

  test('takes longer to pay off than Redis can count', async () => {
    const [slow] = open(1, redis, { limit: 1, windowMs: 315_360_000_000, burst: 1e9 })
    expect(await slow.take('key', 1e9)).toMatchObject({ isAllowed: true, remaining: 0 })
    expect(slow.stats()).toMatchObject({ errors: 0 })
  })

  test('a value that is not its own is an error of Redis, not of the request', async () => {
    const [limiter] = open(1, redis, '5/hour')
    await command('SET', `hotpath:limit:{${encodeURIComponent(limiter.name)}:a}`, 'a string')
    const troubles: unknown[] = []
    const stop = listen('hotpath:limit:trouble', ({ operation }) => troubles.push(operation))
    expect((await limiter.take('a')).isAllowed).toBe(true)
    stop()
    expect(troubles).toEqual(['take'])
    expect((await limiter.take('b')).isAllowed).toBe(true)
  })

  test('a replica, which a fail-over has left behind, is not asked again and again', async () => {
    const [limiter] = open(1, redis, '5/hour')
    await limiter.take('a')
    await command('REPLICAOF', '127.0.0.1', '1')
    try {
      expect((await limiter.take('a')).isAllowed).toBe(true)
      expect(limiter.stats()).toMatchObject({ isReachable: false, withoutRedis: 1 })
      // The probe is a write, so that it fails as well.
      await until(() => limiter.stats().errors >= 2)
      expect(limiter.take('a')).not.toBeInstanceOf(Promise)
    } finally {
      await command('REPLICAOF', 'NO', 'ONE')
    }
    await until(() => limiter.stats().isReachable)
    expect(await limiter.take('a')).toMatchObject({ isAllowed: true, remaining: 3 })
  })

  describe.each([
    { title: 'frozen', begin: () => server.freeze(), end: () => server.thaw() },
    { title: 'killed', begin: () => server.kill(), end: () => server.restart() },
  ])('while Redis is $title', ({ begin, end }) => {
    test('one decision waits, then none, at a share of the limit; it comes back', async () => {
      const [one, other] = open(2, redis, '10/hour', { redisTimeoutMs: 100 }) as [
        SharedLimiter,
        SharedLimiter,
      ]
      await one.take('a')
      await expect
        .poll(() => Math.min(one.stats().nodes, other.stats().nodes), { timeout: 9_000 })
        .toBe(2)
      await begin()
      expect((await one.take('b')).isAllowed).toBe(true)
      let admitted = 1
      for (let time = 0; time < 20; time++) {
        const decision = one.take('b')
        expect(decision).not.toBeInstanceOf(Promise)
        if ((decision as Decision).isAllowed) admitted++
      }
      expect(admitted).toBe(5)
      expect(one.stats().isReachable).toBe(false)
      await end()
      await until(() => one.stats().isReachable)
      expect(await one.take('c')).toMatchObject({ isAllowed: true, remaining: 9 })
    })

    test('who waits does not wait for memory too', async () => {
      const options = { redisTimeoutMs: 100, maxKeys: 1_000_000 }
      const [limiter] = open(1, redis, '10/hour', options)
      await limiter.take('a')
      await begin()
      const before = process.memoryUsage().arrayBuffers
      expect((await limiter.take('b')).isAllowed).toBe(true)
      expect(limiter.stats().withoutRedis).toBe(1)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
      await end()
      await until(() => limiter.stats().isReachable)
    })

    test.each([
      ['allow', true],
      ['deny', false],
    ] as const)('onStoreError %s', async (onStoreError, isAllowed) => {
      const [limiter] = open(1, redis, '2/hour', { onStoreError, redisTimeoutMs: 100 })
      await begin()
      for (let time = 0; time < 5; time++) {
        expect((await limiter.take('a')).isAllowed).toBe(isAllowed)
      }
      expect((await limiter.peek('a')).isAllowed).toBe(isAllowed)
      await end()
      await until(() => limiter.stats().isReachable)
      expect((await limiter.take('a')).isAllowed).toBe(true)
    })

    test('closing waits for nobody, and whoever waits is answered', async () => {
      const [limiter] = open(1, redis, '10/hour', { redisTimeoutMs: 100 })
      await limiter.take('a')
      await begin()
      const waiting = Array.from({ length: 20 }, async () => limiter.take('a'))
      await limiter.close()
      const decisions = await Promise.all(waiting)
      expect(decisions.every(({ isAllowed }) => typeof isAllowed === 'boolean')).toBe(true)
      expect(limiter.take('b')).not.toBeInstanceOf(Promise)
      await end()
    })
  })

  test('decides as exact fractions do, at the times of its own clock', async () => {
    const random = new Random(7)
    const below = (most: number) => 1 + Math.floor(random.next() * most)
    for (let schedule = 0; schedule < 40; schedule++) {
      const policies = resolvePolicies({
        limit: below(schedule % 2 === 0 ? 50 : 1_000_000),
        windowMs: below(schedule % 3 === 0 ? 50 : 315_360_000_000) + 1_000,
        burst: below(schedule % 4 === 0 ? 1_000_000_000 : 8),
      })
      const [policy] = policies
      if (policy === undefined) throw new Error('no policy')
      const use = BigInt(policy.windowMs) * 1_000n
      let until = 0n
      for (let step = 0; step < 25; step++) {
        const cost = below(5)
        const request = { cost, need: 0, more: 0, spent: 0 }
        const [reply] = takeReplies(
          await redis.runScript(
            takeScript(policies, 1),
            [`oracle ${_name} ${schedule}`],
            takeArguments('n', [request]),
          ),
        )
        if (reply === undefined) throw new Error('no reply')
        const reading = BigInt(Math.floor(reply.nowMicros * policy.readingsPerMicro))
        // In 1/limit microseconds, as coarse as the policy reads its clock.
        const now =
          policy.readingsPerMicro === 1
            ? BigInt(reply.nowMicros) * BigInt(policy.limit)
            : (reading * use) / BigInt(policy.useTicks)
        const claimed = (until > now ? until : now) + BigInt(cost) * use
        const isAllowed = claimed - now <= BigInt(policy.burst) * use
        expect(reply.isAllowed).toBe(isAllowed)
        if (isAllowed) until = claimed
      }
    }
  })
})

test('onStoreError without Redis is a contradiction', () => {
  expect(() => createLimiter('1/s', { onStoreError: 'deny' } as never)).toThrow(/about Redis/)
  expect(() => createLimiter('1/s', { redis: {} } as never)).toThrow(/redis must be/)
  const redis = clients['ioredis'] ?? Object.values(clients)[0]
  expect(() => createLimiter('1/s', { redis, onStoreError: 'open' } as never)).toThrow(/'local'/)
})
