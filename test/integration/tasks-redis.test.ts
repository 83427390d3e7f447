import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { createTasks, redisEngine } from '../../src/tasks/index.ts'
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
