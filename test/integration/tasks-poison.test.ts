import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createTasks } from '../../src/tasks/index.ts'
import { useDatabase, useRedis } from '../services.ts'
import { openEngine } from './tasks-poison/open-engine.ts'

const main = new URL('./tasks-poison/poison-main.ts', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'hotpath-poison-'))
const stores = {
  sqlite: join(folder, 'tasks.db'),
  postgres: (await useDatabase()).url,
  redis: useRedis().url,
}
afterAll(() => rmSync(folder, { recursive: true }))

test.each(['sqlite', 'postgres', 'redis'] as const)(
  'on %s a task that kills each process that runs it becomes a dead letter, and the queue goes on',
  { timeout: 120_000 },
  async (kind) => {
    await using tasks = createTasks({ engine: openEngine(kind, stores[kind]) })
    const task = tasks.define('poison', { retries: 0, run: (input: string) => input })
    const { id: poison } = await task.enqueue('poison', { priority: 1 })
    const { id: next } = await task.enqueue('next')
    let deaths = 0
    let worker: ChildProcess | undefined
    let isOver = false
    const keepOneAlive = async () => {
      while (!isOver) {
        worker = fork(main, [kind, stores[kind]])
        await once(worker, 'exit')
        deaths++
      }
    }
    const keeping = keepOneAlive()
    const status = await task.wait(poison, { timeoutMs: 100_000 })
    expect(status).toMatchObject({ state: 'failed', attempts: 4 })
    expect(status).toHaveProperty('error.code', 'HOTPATH_TASKS_WORKER_LOST')
    expect(deaths).toBe(4)
    expect(await task.wait(next)).toMatchObject({ state: 'completed', result: 'next' })
    expect(await tasks.deadLetters()).toMatchObject([{ id: poison, input: 'poison' }])
    isOver = true
    worker?.kill('SIGKILL')
    await keeping
  },
)
