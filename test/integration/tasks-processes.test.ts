import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { createTasks, sqliteEngine } from '../../src/tasks/index.ts'

const root = mkdtempSync(join(tmpdir(), 'hotpath-tasks-'))
afterAll(() => rmSync(root, { recursive: true }))
const main = (name: string) => new URL(`./tasks-sqlite/${name}`, import.meta.url).pathname

test(
  'two processes, 10,000 tasks, the same unique keys: exactly one in force for each key',
  { timeout: 60_000 },
  async () => {
    const file = join(root, 'unique.db')
    const run = async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        main('unique-main.ts'),
        file,
        '5000',
        '500',
      ])
      return JSON.parse(stdout) as string[]
    }
    const news = (await Promise.all([run(), run()])).flat()
    expect(new Set(news).size).toBe(500)
    expect(news).toHaveLength(500)
  },
)

test(
  'a task that kills each process that runs it becomes a dead letter, and the queue goes on',
  { timeout: 60_000 },
  async () => {
    const file = join(root, 'poison.db')
    await using tasks = createTasks({ engine: sqliteEngine({ file, leaseMs: 500 }) })
    const task = tasks.define('poison', { retries: 0, run: (input: string) => input })
    const { id: poison } = await task.enqueue('poison', { priority: 1 })
    const { id: next } = await task.enqueue('next')
    let deaths = 0
    let worker: ChildProcess | undefined
    let isOver = false
    const keepOneAlive = async () => {
      while (!isOver) {
        worker = fork(main('poison-main.ts'), [file])
        await once(worker, 'exit')
        deaths++
      }
    }
    const keeping = keepOneAlive()
    const status = await task.wait(poison, { timeoutMs: 50_000 })
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
