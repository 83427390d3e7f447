import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
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
  const bytes = statSync(trace).size
  expect(bytes).toBeGreaterThan(0)
  const { id: next } = await double.enqueue({ n: 1 })
  expect(await double.wait(next)).toMatchObject({ state: 'completed' })
  expect(statSync(trace).size).toBe(bytes)
})

test('what a definition cannot mean is refused', () => {
  const define = (definition: object) => () =>
    create().define('t', definition as { run: () => void })
  expect(define({ thread: true })).toThrow(/module/)
  expect(define({ thread: true, module, run: () => {} })).toThrow(/thread/)
  expect(define({ module, run: () => {} })).toThrow(/thread/)
})
