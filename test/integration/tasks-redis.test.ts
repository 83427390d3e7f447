import { startRedis } from '@hotpath/services'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { createTasks, redisEngine, type NewTask } from '../../src/tasks/index.ts'
import { useRedis } from '../services.ts'

const { url, prefix } = useRedis()

test('runs a task', async () => {
  await using tasks = createTasks({ engine: redisEngine({ url, prefix: prefix.slice(0, -1) }) })
  const greet = tasks.define('greet', { run: (name: string) => `Hello ${name}` })
  await tasks.start()
  const { id } = await greet.enqueue('Grace')
  expect(await greet.wait(id)).toMatchObject({ state: 'completed', result: 'Hello Grace' })
})

test('what was cancelled is gone after its time, though no other task ends', async () => {
  const own = `${prefix}cancelled`
  await using tasks = createTasks({ engine: redisEngine({ url, prefix: own }) })
  const task = tasks.define('t', { resultTtlMs: 300, run: () => {} })
  const { id } = await task.enqueue(undefined)
  expect(await tasks.cancel(id)).toBe(true)
  expect(await task.status(id)).toMatchObject({ state: 'cancelled' })
  const redis = new Redis(url)
  const keys = () => redis.keys(`*${own}*${id.slice(2)}*`)
  expect(await keys()).toHaveLength(1)
  await expect.poll(keys).toEqual([])
  expect(await redis.keys(`${own}:t:failed`)).toEqual([])
  redis.disconnect()
})

test('a task with a small input stays in the compact form of Redis', async () => {
  const own = `${prefix}compact`
  await using tasks = createTasks({ engine: redisEngine({ url, prefix: own }) })
  const task = tasks.define('t', { run: () => {} })
  const { id } = await task.enqueue({ userId: 12_345 })
  const redis = new Redis(url)
  const form = () => redis.object('ENCODING', `${own}:t:${id.slice(2)}`)
  expect(await form()).toBe('listpack')
  await tasks.start()
  expect(await task.wait(id)).toMatchObject({ state: 'completed' })
  expect(await form()).toBe('listpack')
  redis.disconnect()
})

test('what is enqueued at once reaches Redis in few writes', async () => {
  await using server = await startRedis()
  await using tasks = createTasks({ engine: redisEngine({ url: server.url }) })
  const task = tasks.define('t', { run: () => {} })
  await task.enqueue(0)
  const redis = new Redis(server.url)
  const reads = async () => {
    const found = /total_reads_processed:(\d+)/.exec(await redis.info('stats'))
    return Number(found?.[1])
  }
  const before = await reads()
  await Promise.all(Array.from({ length: 320 }, () => task.enqueue(0)))
  expect((await reads()) - before).toBeLessThan(80)
  redis.disconnect()
})

const atTick = (atMs: number, uniqueKey?: string): NewTask => ({
  name: 'nightly',
  input: 'null',
  delayMs: 0,
  priority: 0,
  uniqueKey,
  maxAttempts: 4,
  resultTtlMs: 1_000,
  deadLetterTtlMs: 1_000,
  tick: { schedule: 'nightly', atMs },
})

test.each(['incr', 'zadd', 'hset'])(
  'a tick whose task Redis did not take, for want of %s, is there to be taken again, once',
  async (command) => {
    await using server = await startRedis()
    const redis = new Redis(server.url)
    const engines = [1, 2, 3].map(() => redisEngine({ url: server.url }))
    for (const engine of engines) await engine.open({ onTrouble: () => {} })
    const [first, ...others] = engines
    await first?.enqueue(atTick(1))
    // It takes some of the commands, and refuses the rest.
    await redis.call('ACL', 'SETUSER', 'default', `-${command}`)
    await expect(first?.enqueue(atTick(2))).rejects.toMatchObject({
      code: 'HOTPATH_TASKS_STORE_FAILED',
    })
    await redis.call('ACL', 'SETUSER', 'default', `+${command}`)

    const enqueued = await Promise.all(engines.map((engine) => engine.enqueue(atTick(2))))
    expect(enqueued.filter(({ isNew }) => isNew)).toHaveLength(1)
    expect(new Set(enqueued.map(({ id }) => id)).size).toBe(1)
    expect(await others[0]?.enqueue(atTick(1))).toEqual({ id: enqueued[0]?.id, isNew: false })
    expect(await redis.zcard('hotpath-tasks:nightly:prioritized')).toBe(2)
    // Nothing is left of what was not to be.
    expect(await redis.keys('hotpath-tasks:nightly:*-*')).toHaveLength(2)
    await Promise.all(engines.map((engine) => engine.close()))
    redis.disconnect()
  },
)

test('a tick of a task with a unique key is had by the task that is in force', async () => {
  const engine = redisEngine({ url, prefix: `${prefix}unique` })
  await engine.open({ onTrouble: () => {} })
  const { id } = await engine.enqueue({ ...atTick(0, 'one'), tick: undefined })
  expect(await engine.enqueue(atTick(1, 'one'))).toEqual({ id, isNew: false })
  await engine.cancel(id)
  // The tick was had, though its task has ended.
  expect(await engine.enqueue(atTick(1, 'one'))).toEqual({ id, isNew: false })
  const next = await engine.enqueue(atTick(2, 'one'))
  expect(next.isNew).toBe(true)
  expect(await engine.find(next.id)).toMatchObject({ state: 'queued' })
  await engine.close()
})

test('a tick is there again after Redis has forgotten its scripts', async () => {
  await using server = await startRedis()
  const redis = new Redis(server.url)
  const engine = redisEngine({ url: server.url })
  await engine.open({ onTrouble: () => {} })
  expect(await engine.enqueue(atTick(1))).toMatchObject({ isNew: true })
  await redis.script('FLUSH')
  const error: unknown = await engine.enqueue(atTick(2)).catch((reason: unknown) => reason)
  expect(String(error)).toMatch(/NOSCRIPT/)
  expect(await engine.enqueue(atTick(2))).toMatchObject({ isNew: true })
  await engine.close()
  redis.disconnect()
})

test('a tick that Redis does not answer is refused in time', async () => {
  await using server = await startRedis()
  const engine = redisEngine({ url: server.url, commandTimeoutMs: 300 })
  await engine.open({ onTrouble: () => {} })
  await engine.enqueue(atTick(1))
  await server.freeze()
  await expect(engine.enqueue(atTick(2))).rejects.toMatchObject({
    code: 'HOTPATH_TASKS_STORE_FAILED',
  })
  await server.thaw()
  await engine.close()
})
