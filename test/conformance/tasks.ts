import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { listen } from '../../src/core/index.ts'
import { createTasks, type Tasks, type TaskEngine } from '../../src/tasks/index.ts'

/** A store that engines can be opened on, each as another process would. */
export interface TaskStoreUnderTest {
  createEngine(): TaskEngine<never, never>
  close(): Promise<void>
}

/** The contract of engines, held by the facade against a real store. */
export function tasksConformance(title: string, open: () => Promise<TaskStoreUnderTest>): void {
  describe(title, () => {
    let store: TaskStoreUnderTest
    let opened: Tasks[] = []
    let names = 0

    beforeAll(async () => {
      store = await open()
    })
    afterEach(async () => {
      await Promise.all(opened.map((tasks) => tasks.close()))
      opened = []
    })
    afterAll(() => store.close())

    const create = (drainTimeoutMs = 5_000): Tasks => {
      const tasks = createTasks({ engine: store.createEngine(), drainTimeoutMs }) as Tasks
      opened.push(tasks)
      return tasks
    }
    const newName = () => `task-${++names}`
    const until = (isSo: () => unknown) => vi.waitUntil(isSo, { timeout: 20_000, interval: 5 })

    describe('a task', () => {
      test('runs with its input, and its result is kept', async () => {
        const tasks = create()
        const add = tasks.define(newName(), {
          input: z.object({ a: z.number(), b: z.coerce.number() }),
          output: z.number(),
          run: ({ a, b }) => a + b,
        })
        await tasks.start()
        const { id, isNew } = await add.enqueue({ a: 1, b: '2' })
        expect(isNew).toBe(true)
        expect(id).toMatch(/^[\w.~-]{22,}$/)
        const status = await add.wait(id)
        expect(status).toMatchObject({
          id,
          name: add.name,
          state: 'completed',
          result: 3,
          attempts: 1,
        })
        if (status?.state !== 'completed') throw new Error('not completed')
        expect(status.startedMs).toBeGreaterThanOrEqual(status.enqueuedMs)
        expect(status.endedMs).toBeGreaterThanOrEqual(status.startedMs)
      })

      test('without input and result', async () => {
        const tasks = create()
        const nothing = tasks.define(newName(), { run: () => {} })
        await tasks.start()
        const { id } = await nothing.enqueue(undefined)
        expect(await nothing.wait(id)).toMatchObject({ state: 'completed', result: undefined })
      })

      test('is queued until a process has started, whoever enqueued it', async () => {
        const [clients, workers] = [create(), create()]
        const name = newName()
        const definition = { run: (text: string) => text.toUpperCase() }
        const task = clients.define(name, definition)
        workers.define(name, definition)
        const { id } = await task.enqueue('grüße\n')
        expect(await task.status(id)).toMatchObject({
          state: 'queued',
          attempts: 0,
          startedMs: undefined,
        })
        await workers.start()
        expect(await task.wait(id)).toMatchObject({ state: 'completed', result: 'GRÜSSE\n' })
      })

      test('that nobody knows has no status', async () => {
        const tasks = create()
        for (const id of ['unknown', '', "x'; drop table", 'a/b:c', 'x'.repeat(5_000)]) {
          expect(await tasks.status(id)).toBeUndefined()
          expect(await tasks.cancel(id)).toBe(false)
          expect(await tasks.replay(id)).toBe(false)
        }
      })

      test('its result is kept for resultTtlMs', async () => {
        const tasks = create()
        const brief = tasks.define(newName(), { resultTtlMs: 300, run: () => 1 })
        await tasks.start()
        const { id } = await brief.enqueue(undefined)
        expect(await brief.wait(id)).toMatchObject({ state: 'completed' })
        await until(async () => (await brief.status(id)) === undefined)
      })
    })

    describe('failing', () => {
      test('is tried again after the backoff, and told how it failed', async () => {
        const tasks = create()
        const begun: number[] = []
        const flaky = tasks.define(newName(), {
          retries: 2,
          backoff: { firstMs: 200 },
          run: (_: unknown, { attempt }) => {
            begun.push(performance.now())
            if (attempt < 3) throw new TypeError(`no luck in attempt ${attempt}`)
            return attempt
          },
        })
        await tasks.start()
        const { id } = await flaky.enqueue(undefined)
        await until(() => begun.length === 1)
        await until(async () => (await flaky.status(id))?.state === 'queued' || begun.length > 1)
        expect(await flaky.wait(id)).toMatchObject({ state: 'completed', result: 3, attempts: 3 })
        const [first = 0, second = 0, third = 0] = begun
        expect(second - first).toBeGreaterThanOrEqual(99)
        expect(third - second).toBeGreaterThanOrEqual(199)
        expect(tasks.stats()).toMatchObject({ retried: 2, completed: 1, failed: 0 })
      })

      test('for good makes a dead letter, which can be replayed', async () => {
        const tasks = create()
        let isMended = false
        const name = newName()
        const broken = tasks.define(name, {
          retries: 1,
          backoff: { firstMs: 1 },
          run: (input: { n: number }) => {
            if (!isMended) throw Object.assign(new Error('out of cheese'), { code: 'E_CHEESE' })
            return input.n
          },
        })
        await tasks.start()
        const { id } = await broken.enqueue({ n: 7 })
        const failed = await broken.wait(id)
        expect(failed).toMatchObject({ state: 'failed', attempts: 2 })
        expect(failed).toHaveProperty('error.message', 'out of cheese')
        expect(failed).toHaveProperty('error.code', 'E_CHEESE')
        const letters = await tasks.deadLetters({ name })
        expect(letters).toMatchObject([{ id, name, input: { n: 7 }, attempts: 2 }])
        expect(letters[0]?.error.message).toBe('out of cheese')
        isMended = true
        expect(await tasks.replay(id)).toBe(true)
        expect(await broken.wait(id)).toMatchObject({ state: 'completed', result: 7, attempts: 1 })
        expect(await tasks.replay(id)).toBe(false)
        expect(await tasks.deadLetters({ name })).toEqual([])
      })

      test('by what is no error is told as well', async () => {
        const tasks = create()
        const odd = tasks.define(newName(), {
          retries: 0,
          run: () => {
            throw { teapot: 418 } // oxlint-disable-line
          },
        })
        await tasks.start()
        const { id } = await odd.enqueue(undefined)
        const status = await odd.wait(id)
        expect(status).toHaveProperty('error.message', expect.stringContaining('teapot: 418'))
      })

      test('by the time limit, though it ignores its signal', async () => {
        const tasks = create()
        const release = Promise.withResolvers<void>()
        const deaf = tasks.define(newName(), {
          timeoutMs: 300,
          retries: 0,
          run: () => release.promise,
        })
        await tasks.start()
        const { id } = await deaf.enqueue(undefined)
        const status = await deaf.wait(id)
        expect(status).toMatchObject({ state: 'failed' })
        expect(status).toHaveProperty('error.code', 'HOTPATH_TASKS_TIMEOUT')
        expect(tasks.stats().abandoned).toBe(1)
        release.resolve()
        await until(() => tasks.stats().abandoned === 0)
        expect(await deaf.status(id)).toMatchObject({ state: 'failed' })
      })

      test('by a result that cannot be stored is not tried again', async () => {
        const tasks = create()
        const big = tasks.define(newName(), { run: () => 'x'.repeat(2_000_000) })
        const unwritable = tasks.define(newName(), { run: () => ({ amount: 1n }) })
        await tasks.start()
        for (const task of [big, unwritable]) {
          const { id } = await task.enqueue(undefined)
          const status = await task.wait(id)
          expect(status).toMatchObject({ state: 'failed', attempts: 1 })
          expect(status).toHaveProperty('error.code', 'HOTPATH_TASKS_RESULT_INVALID')
        }
      })
    })

    describe('bad input', () => {
      const code = (error: string) => ({ code: error })
      const cycle: { self?: unknown } = {}
      cycle.self = cycle

      test.each([
        ['a BigInt', { n: 1n }],
        ['a function', { run: () => {} }],
        ['a cycle', cycle],
        ['NaN', [Number.NaN]],
        ['a Map', new Map()],
        ['more than the limit', 'ü'.repeat(600_000)],
      ])('%s is refused', async (_, input) => {
        const tasks = create()
        const task = tasks.define(newName(), { run: (input: unknown) => input })
        await expect(task.enqueue(input)).rejects.toMatchObject(code('HOTPATH_TASKS_INPUT_INVALID'))
      })

      test('what does not pass the schema is refused, with the place', async () => {
        const tasks = create()
        const task = tasks.define(newName(), {
          input: z.object({ user: z.object({ age: z.number() }) }),
          run: () => {},
        })
        const bad = { user: { age: 'old' } } as unknown as { user: { age: number } }
        await expect(task.enqueue(bad)).rejects.toThrow(/user\.age/)
        await expect(tasks.enqueue('nobody-defined-me')).rejects.toMatchObject(
          code('HOTPATH_TASKS_UNKNOWN_TASK'),
        )
      })
    })

    describe('when', () => {
      test('a delayed task runs after its delay', async () => {
        const tasks = create()
        const late = tasks.define(newName(), { run: () => {} })
        await tasks.start()
        const { id } = await late.enqueue(undefined, { delayMs: 600 })
        const status = await late.wait(id)
        if (status?.state !== 'completed') throw new Error(`is ${status?.state}`)
        expect(status.startedMs - status.enqueuedMs).toBeGreaterThanOrEqual(599)
      })

      test('the larger priority first, and among equals the older', async () => {
        const tasks = create()
        const order: string[] = []
        const name = newName()
        const task = tasks.define(name, {
          concurrency: 1,
          run: (label: string) => void order.push(label),
        })
        for (const [label, priority] of [
          ['a', 0],
          ['b', 0],
          ['c', 5],
          ['d', 1_000],
          ['e', 5],
        ] as const) {
          await task.enqueue(label, { priority })
        }
        await tasks.start()
        await until(() => order.length === 5)
        expect(order).toEqual(['d', 'c', 'e', 'a', 'b'])
      })

      test('no more than `concurrency` run at a time', async () => {
        const tasks = create()
        let running = 0
        let most = 0
        const task = tasks.define(newName(), {
          concurrency: 3,
          run: async () => {
            most = Math.max(most, ++running)
            await new Promise((resolve) => setTimeout(resolve, 10))
            running--
          },
        })
        const ids = await Promise.all(Array.from({ length: 20 }, () => task.enqueue(undefined)))
        await tasks.start()
        await Promise.all(ids.map(({ id }) => task.wait(id)))
        expect(most).toBe(3)
      })

      test('a rate holds over all processes', async () => {
        const name = newName()
        const begun: number[] = []
        const processes = [create(), create()].map((tasks) => {
          const run = () => void begun.push(performance.now())
          return { tasks, task: tasks.define(name, { rate: { limit: 4, perMs: 1_000 }, run }) }
        })
        for (let i = 0; i < 10; i++) await processes[0]?.task.enqueue(undefined)
        await Promise.all(processes.map(({ tasks }) => tasks.start()))
        await until(() => begun.length === 10)
        // Ten at four a second take two seconds of waiting.
        expect((begun[9] ?? 0) - (begun[0] ?? 0)).toBeGreaterThan(1_000)
      })

      test('a schedule is due once over all processes', async () => {
        const name = newName()
        const begun: string[] = []
        const processes = [create(), create(), create()]
        for (const tasks of processes) {
          tasks.define(name, { run: (input: string) => void begun.push(input) })
          tasks.schedule(name, '* * * * * *', { input: 'tick' })
        }
        const startedMs = Date.now()
        await Promise.all(processes.map((tasks) => tasks.start()))
        await until(() => begun.length >= 3)
        expect(begun.length).toBeLessThanOrEqual(Math.ceil((Date.now() - startedMs) / 1_000) + 1)
      })
    })

    describe('unique keys', () => {
      test('two processes, many tasks: exactly one in force for each key', async () => {
        const name = newName()
        const define = (tasks: Tasks) =>
          tasks.define(name, {
            uniqueBy: ({ user }: { user: number }) => `user-${user}`,
            run: () => {},
          })
        const [one, two] = [define(create()), define(create())]
        const asked = Array.from({ length: 600 }, (_, i) => ({ user: i % 50 }))
        const answers = await Promise.all(
          asked.map((input, i) => (i % 3 ? one : two).enqueue(input)),
        )
        expect(answers.filter(({ isNew }) => isNew)).toHaveLength(50)
        const byKey = Map.groupBy(answers, (_, i) => i % 50)
        for (const group of byKey.values()) expect(new Set(group.map(({ id }) => id)).size).toBe(1)
      })

      test('a key is free again when its task has ended', async () => {
        const tasks = create()
        const task = tasks.define(newName(), { run: () => {} })
        const other = tasks.define(newName(), { run: () => {} })
        const first = await task.enqueue(undefined, { uniqueKey: 'k' })
        expect(await task.enqueue(undefined, { uniqueKey: 'k' })).toEqual({
          id: first.id,
          isNew: false,
        })
        expect(await other.enqueue(undefined, { uniqueKey: 'k' })).toMatchObject({ isNew: true })
        expect(await tasks.cancel(first.id)).toBe(true)
        const second = await task.enqueue(undefined, { uniqueKey: 'k' })
        expect(second.isNew).toBe(true)
        await tasks.start()
        await task.wait(second.id)
        expect(await task.enqueue(undefined, { uniqueKey: 'k' })).toMatchObject({ isNew: true })
      })
    })

    describe('cancelling', () => {
      test('a queued task: it never runs, and its end is told with its name', async () => {
        const tasks = create()
        const told: unknown[] = []
        const stop = listen('hotpath:tasks:state', (event) => {
          if (event.state === 'cancelled') told.push(event)
        })
        let runs = 0
        const task = tasks.define(newName(), { run: () => void runs++ })
        const { id } = await task.enqueue(undefined)
        expect(await tasks.cancel(id)).toBe(true)
        expect(await tasks.cancel(id)).toBe(false)
        stop()
        expect(told).toMatchObject([{ id, name: task.name, attempt: 0 }])
        expect(await task.status(id)).toMatchObject({ state: 'cancelled' })
        await tasks.start()
        const { id: next } = await task.enqueue(undefined)
        await task.wait(next)
        expect(runs).toBe(1)
      })

      test.each(['the same process', 'another process'])(
        'a running task from %s',
        async (where) => {
          const workers = create()
          const clients = where === 'another process' ? create() : workers
          const name = newName()
          const reasons: unknown[] = []
          const definition = {
            run: (_: unknown, { signal }: { signal: AbortSignal }) =>
              new Promise<string>((resolve) => {
                signal.addEventListener('abort', () => {
                  reasons.push(signal.reason)
                  resolve('too late')
                })
              }),
          }
          const task = workers.define(name, definition)
          if (clients !== workers) clients.define(name, definition)
          await workers.start()
          const { id } = await task.enqueue(undefined)
          await until(async () => (await clients.status(id))?.state === 'processing')
          expect(await clients.cancel(id)).toBe(true)
          expect(await clients.status(id)).toMatchObject({ state: 'cancelled' })
          await until(() => reasons.length === 1)
          expect(reasons).toMatchObject([{ code: 'HOTPATH_TASKS_CANCELLED' }])
          await until(() => workers.stats().fenced === 1)
          expect(await clients.status(id)).toMatchObject({ state: 'cancelled' })
          expect(await clients.cancel(id)).toBe(false)
        },
      )
    })

    test('progress is seen by other processes, the last word included', async () => {
      const [workers, clients] = [create(), create()]
      const release = Promise.withResolvers<void>()
      const task = workers.define(newName(), {
        run: async (_: unknown, { progress }) => {
          for (let n = 0; n <= 100; n++) progress({ n })
          await release.promise
          progress({ n: 'last' })
        },
      })
      await workers.start()
      const { id } = await task.enqueue(undefined)
      await until(async () => {
        const { progress } = (await clients.status(id)) ?? {}
        return (progress as { n?: number } | undefined)?.n === 100
      })
      release.resolve()
      expect(await clients.wait(id)).toMatchObject({ state: 'completed', progress: { n: 'last' } })
    })

    describe('waiting', () => {
      test('ends at its time limit with the status as it is, and by its signal', async () => {
        const tasks = create()
        const task = tasks.define(newName(), { run: () => {} })
        const { id } = await task.enqueue(undefined)
        expect(await task.wait(id, { timeoutMs: 50 })).toMatchObject({ state: 'queued' })
        await expect(task.wait(id, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
          name: 'TimeoutError',
        })
        expect(await tasks.wait('unknown')).toBeUndefined()
      })
    })

    describe('closing', () => {
      test('lets running tasks end', async () => {
        const tasks = create()
        const task = tasks.define(newName(), {
          run: async () => {
            await new Promise((resolve) => setTimeout(resolve, 300))
            return 'done'
          },
        })
        await tasks.start()
        const { id } = await task.enqueue(undefined)
        await until(async () => (await task.status(id))?.state === 'processing')
        await tasks.close()
        expect(await create().status(id)).toMatchObject({
          state: 'completed',
          result: 'done',
          attempts: 1,
        })
        await expect(task.enqueue(undefined)).rejects.toMatchObject({
          code: 'HOTPATH_COMPONENT_CLOSED',
        })
      })

      test('lets what still runs enqueue more, and nobody after', async () => {
        const tasks = create()
        const release = Promise.withResolvers<void>()
        const second = tasks.define(newName(), { run: () => 'second' })
        const first = tasks.define(newName(), {
          run: async () => {
            await release.promise
            return (await second.enqueue(undefined)).id
          },
        })
        await tasks.start()
        const { id } = await first.enqueue(undefined)
        await until(async () => (await first.status(id))?.state === 'processing')
        const closing = tasks.close()
        release.resolve()
        await closing
        const status = await create().status(id)
        expect(status).toMatchObject({ state: 'completed', result: expect.any(String) })
        await expect(second.enqueue(undefined)).rejects.toMatchObject({
          code: 'HOTPATH_COMPONENT_CLOSED',
        })
      })

      test('while it starts leaves nothing running', async () => {
        const name = newName()
        const [early, other] = [create(), create()]
        let runs = 0
        early.define(name, { run: () => void runs++ })
        const task = other.define(name, { run: () => 'here' })
        const starting = early.start()
        await early.close()
        await starting
        await expect(early.start()).rejects.toMatchObject({ code: 'HOTPATH_COMPONENT_CLOSED' })
        const { id } = await task.enqueue(undefined)
        await other.start()
        expect(await task.wait(id)).toMatchObject({ state: 'completed', result: 'here' })
        expect(runs).toBe(0)
      })

      test('hands back what does not end in time; the attempt does not count', async () => {
        const name = newName()
        const [first, second] = [create(100), create()]
        const endless = first.define(name, {
          run: (_: unknown, { signal }: { signal: AbortSignal }) =>
            new Promise<string>((_, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason as Error))
            }),
        })
        const task = second.define(name, { run: () => 'elsewhere' })
        await first.start()
        const { id } = await endless.enqueue(undefined)
        await until(async () => (await second.status(id))?.state === 'processing')
        await first.close()
        expect(first.stats()).toMatchObject({ handedBack: 1 })
        await second.start()
        expect(await task.wait(id)).toMatchObject({
          state: 'completed',
          result: 'elsewhere',
          attempts: 1,
        })
      })
    })
  })
}
