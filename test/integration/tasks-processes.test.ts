import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { createTasks, sqliteEngine } from '../../src/tasks/index.ts'

const root = mkdtempSync(join(tmpdir(), 'hotpath-tasks-'))
afterAll(() => rmSync(root, { recursive: true }))
const uniqueMain = new URL('./tasks-sqlite/unique-main.ts', import.meta.url).pathname
const waitMain = new URL('./tasks-sqlite/wait-main.ts', import.meta.url).pathname

test(
  'two processes, 10,000 tasks, the same unique keys: exactly one in force for each key',
  { timeout: 60_000 },
  async () => {
    const file = join(root, 'unique.db')
    const run = async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        uniqueMain,
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

test('a process that does nothing but wait for a task stays until it has its answer', async () => {
  const file = join(root, 'wait.db')
  const release = Promise.withResolvers<string>()
  await using tasks = createTasks({ engine: sqliteEngine({ file }) })
  const task = tasks.define('slow', { run: () => release.promise })
  await tasks.start()
  const { id } = await task.enqueue(undefined)
  const waiting = promisify(execFile)(process.execPath, [waitMain, file, id])
  const { stdout } = waiting.child
  stdout?.once('data', () => release.resolve('done'))
  expect((await waiting).stdout).toBe('waits\ndone\n')
})
