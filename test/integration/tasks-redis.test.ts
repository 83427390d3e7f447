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
