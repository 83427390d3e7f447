import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, expect, test } from 'vitest'
import { components } from '../../src/core/index.ts'
import { createTasks, sqliteEngine, type Tasks } from '../../src/tasks/index.ts'

const root = mkdtempSync(join(tmpdir(), 'hotpath-tasks-'))
const module = new URL('./tasks-thread/handlers.ts', import.meta.url)
let tasks: Tasks
let files = 0

const create = () => {
  tasks = createTasks({ engine: sqliteEngine({ file: join(root, `${++files}.db`) }) })
  return tasks
}
afterEach(() => tasks.close())
afterAll(() => rmSync(root, { recursive: true }))

test('a handler in a thread gets its input, tells of its progress, and returns its result', async () => {
  const double = create().define<{ n: number }, number>('double', { thread: true, module })
  await tasks.start()
  const { id } = await double.enqueue({ n: 21 })
  expect(await double.wait(id)).toMatchObject({
    state: 'completed',
    result: 42,
    progress: { n: 21 },
  })
})

test('one that ignores its time limit is stopped with its thread', async () => {
  const trace = join(root, 'trace')
  const ended = Promise.withResolvers<void>()
  const watch = (thread: Worker) => void thread.once('exit', () => ended.resolve())
  process.on('worker', watch)
  const spin = create().define<string>('spin', {
    thread: true,
    module,
    functionName: 'spin',
    timeoutMs: 3_000,
    retries: 0,
  })
  const double = tasks.define<{ n: number }, number>('double', { thread: true, module })
  await tasks.start()
  const { id } = await spin.enqueue(trace)
  const status = await spin.wait(id)
  expect(status).toMatchObject({ state: 'failed' })
  expect(status).toHaveProperty('error.code', 'HOTPATH_TASKS_TIMEOUT')
  // Its outcome does not wait for it.
  await ended.promise
  process.off('worker', watch)
  const bytes = statSync(trace).size
  expect(bytes).toBeGreaterThan(0)
  const { id: next } = await double.enqueue({ n: 1 })
  expect(await double.wait(next)).toMatchObject({ state: 'completed' })
  expect(statSync(trace).size).toBe(bytes)
})

const throwsOnLoad = new URL('../workers/throws-on-load.ts', import.meta.url)
test.each([
  ['is missing', { module: new URL('./no-such.ts', import.meta.url) }, /there is no worker module/],
  ['does not load', { module: throwsOnLoad }, /could not be loaded in a worker thread: no licence/],
  [
    'lacks the function',
    { module, functionName: 'walk' },
    /exports no function "walk".* run, spin/,
  ],
])('a module that %s is found when the tasks start, before any runs', async (_, given, problem) => {
  create()
  let runs = 0
  const good = tasks.define('good', { run: () => void runs++ })
  const bad = tasks.define<number>('bad', { thread: true, ...given })
  const { id } = await bad.enqueue(1)
  await good.enqueue(undefined)
  const error: unknown = await tasks.start().catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'HOTPATH_WORKERS_MODULE_INVALID' })
  expect(String(error)).toMatch(/the task bad cannot run in a thread/)
  expect(String(error)).toMatch(problem)
  expect(await bad.status(id)).toMatchObject({ state: 'queued', attempts: 0 })
  expect(runs).toBe(0)
})

test('a module that is right is loaded when the tasks start, and nothing in it is run', async () => {
  create().define<{ n: number }, number>('double', { thread: true, module })
  await tasks.start()
  const workers = components().find(({ name }) => name === 'double')
  expect(workers?.stats()).toMatchObject({ threads: 1, inProgress: 0, completed: 0, failed: 0 })
})

test('what a definition cannot mean is refused', () => {
  const define = (definition: object) => () =>
    create().define('t', definition as { run: () => void })
  expect(define({ thread: true })).toThrow(/module/)
  expect(define({ thread: true, module, run: () => {} })).toThrow(/thread/)
  expect(define({ module, run: () => {} })).toThrow(/thread/)
})
