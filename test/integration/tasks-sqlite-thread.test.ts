import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createTasks, sqliteEngine, type SqliteEngineOptions } from '../../src/tasks/index.ts'
import { startEnqueuers } from './tasks-outages/enqueuers.ts'

const root = mkdtempSync(join(tmpdir(), 'hotpath-tasks-'))
let files = 0
const newFile = () => join(root, `${++files}.db`)
let opened: { close(): Promise<void> }[] = []
/** The threads that engines have started, the last at the end. */
let threads: Worker[] = []
const noteThread = (worker: Worker) => void threads.push(worker)

beforeEach(() => void process.on('worker', noteThread))
afterEach(async () => {
  process.off('worker', noteThread)
  await Promise.all(opened.map((tasks) => tasks.close()))
  opened = []
  threads = []
})
afterAll(() => rmSync(root, { recursive: true }))

function create(options: SqliteEngineOptions) {
  const tasks = createTasks({ engine: sqliteEngine(options), drainTimeoutMs: 500 })
  opened.push(tasks)
  return tasks
}
const until = (isSo: () => unknown) => vi.waitUntil(isSo, { timeout: 20_000, interval: 2 })

const deaths: [string, (thread: Worker | undefined) => void][] = [
  ['is stopped', (thread) => void thread?.terminate()],
  // What it cannot read is an error that nobody in it catches.
  ['throws', (thread) => thread?.postMessage('[')],
]

test.each(deaths)(
  'the thread %s in the middle of work: what was acknowledged is completed, with effects once',
  async (_, die) => {
    const file = newFile()
    const database = new DatabaseSync(file)
    database.exec('create table effects (n integer)')
    const tasks = create({ file })
    const completed: number[] = []
    const task = tasks.define('t', {
      transactional: true,
      concurrency: 20,
      run: async (n: number, { transaction }) => {
        transaction.run('insert into effects values (?)', n)
        await new Promise(setImmediate)
        completed.push(n)
        return n
      },
    })
    await tasks.start()

    const enqueuers = startEnqueuers(8, (n) => task.enqueue(n))
    const { acknowledged, refusals } = enqueuers
    for (let death = 1; death <= 3; death++) {
      const before = completed.length
      await until(() => completed.length >= before + 50)
      die(threads.at(-1))
      await until(() => threads.length === death + 1)
    }
    const before = completed.length
    await until(() => completed.length >= before + 50)
    await enqueuers.end()

    for (const [n, id] of acknowledged) {
      expect(await task.wait(id)).toMatchObject({ state: 'completed', result: n })
    }
    for (const error of refusals) {
      expect(error).toMatchObject({ code: 'HOTPATH_TASKS_STORE_FAILED' })
      expect(String(error)).toMatch(/what was acknowledged is/)
    }
    const twice = database.prepare('select n from effects group by n having count(*) > 1')
    expect(twice.all()).toEqual([])
    const done = new Set(
      database
        .prepare('select n from effects')
        .all()
        .map(({ n }) => n),
    )
    expect([...acknowledged.keys()].filter((n) => !done.has(n))).toEqual([])
    database.close()
    expect(tasks.stats()).toMatchObject({ running: 0 })
  },
)

test('an attempt outlives the thread that claimed it, and nobody else begins it', async () => {
  const file = newFile()
  const [tasks, other] = [create({ file }), create({ file })]
  const release = Promise.withResolvers<string>()
  const task = tasks.define('t', { concurrency: 1, run: () => release.promise })
  let runsElsewhere = 0
  other.define('t', { run: () => void runsElsewhere++ })
  await tasks.start()
  const [own] = threads
  const { id } = await task.enqueue(undefined)
  await until(async () => (await task.status(id))?.state === 'processing')
  await other.start()
  const before = threads.length
  await own?.terminate()
  await until(() => threads.length > before)
  expect(await task.status(id)).toMatchObject({ state: 'processing', attempts: 1 })
  release.resolve('done')
  expect(await task.wait(id)).toMatchObject({ state: 'completed', result: 'done', attempts: 1 })
  expect(tasks.stats()).toMatchObject({ completed: 1, fenced: 0 })
  expect(runsElsewhere).toBe(0)
})

test('an attempt that was taken over before there was a thread again changes nothing', async () => {
  const file = newFile()
  const [tasks, other] = [create({ file, leaseMs: 300 }), create({ file, leaseMs: 300 })]
  let reason: unknown
  const task = tasks.define('t', {
    run: (_: unknown, { signal }) =>
      new Promise<string>((resolve) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
          resolve('late')
        })
      }),
  })
  const there = other.define('t', { run: () => 'there' })
  await tasks.start()
  const [own] = threads
  const { id } = await task.enqueue(undefined)
  await until(async () => (await task.status(id))?.state === 'processing')
  await other.start()
  const stopEach = (worker: Worker) => {
    if (reason === undefined) void worker.terminate()
  }
  process.on('worker', stopEach)
  await own?.terminate()
  expect(await there.wait(id)).toMatchObject({ state: 'completed', result: 'there', attempts: 2 })
  process.off('worker', stopEach)
  await until(() => tasks.stats().fenced === 1)
  expect(reason).toMatchObject({ code: 'HOTPATH_TASKS_LEASE_LOST' })
  expect(await task.status(id)).toMatchObject({ state: 'completed', result: 'there', attempts: 2 })
})

test('one thread after the other ends: that is said, and no more are started', async () => {
  const tasks = create({ file: newFile() })
  let reason: unknown
  const task = tasks.define('t', {
    run: (_: unknown, { signal }) =>
      new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
          resolve()
        })
      }),
  })
  await tasks.start()
  const { id } = await task.enqueue(undefined)
  await until(async () => (await task.status(id))?.state === 'processing')
  const stopEach = (worker: Worker) => void worker.terminate()
  process.on('worker', stopEach)
  const underWay = task.enqueue(undefined)
  void threads[0]?.terminate()
  await expect(underWay).rejects.toThrow(/may be stored or not/)
  await expect(task.enqueue(undefined)).rejects.toMatchObject({
    code: 'HOTPATH_TASKS_STORE_FAILED',
    message: expect.stringMatching(/is broken: its thread has ended 6 times in a row/),
  })
  expect(threads).toHaveLength(6)
  expect(reason).toMatchObject({ code: 'HOTPATH_TASKS_LEASE_LOST' })
  await expect(task.status(id)).rejects.toThrow(/is broken/)
  expect(tasks.stats().troubles).toBeGreaterThanOrEqual(6)
  await tasks.close()
  process.off('worker', stopEach)
  expect(threads).toHaveLength(6)
})

test('closing does not wait for a thread that is to come', async () => {
  const tasks = create({ file: newFile() })
  const task = tasks.define('t', { run: () => {} })
  await task.enqueue(undefined)
  await threads[0]?.terminate()
  await tasks.close()
  expect(threads).toHaveLength(1)
  await expect(task.enqueue(undefined)).rejects.toMatchObject({ code: 'HOTPATH_COMPONENT_CLOSED' })
})
