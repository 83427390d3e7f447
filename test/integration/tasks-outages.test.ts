import { fork } from 'node:child_process'
import { once } from 'node:events'
import { startPostgres, startRedis, type Server } from '@hotpath/services'
import { describe, expect, test } from 'vitest'
import { HotpathError } from '../../src/core/index.ts'
import { createPool } from '../../src/postgres/index.ts'
import {
  createTasks,
  postgresEngine,
  redisEngine,
  type Task,
  type Tasks,
} from '../../src/tasks/index.ts'
import { startEnqueuers } from './tasks-outages/enqueuers.ts'

interface Store extends AsyncDisposable {
  readonly server: Server
  open(): Tasks
}

const closeMain = new URL('./tasks-outages/close-main.ts', import.meta.url).pathname
const leaseMs = 2_000
const commandTimeoutMs = 1_000

async function openPostgres(): Promise<Store> {
  const server = await startPostgres()
  const pool = createPool(server.url, { commandTimeoutMs, acquireTimeoutMs: commandTimeoutMs })
  return {
    server,
    open: () => createTasks({ engine: postgresEngine({ pool, leaseMs }), drainTimeoutMs: 1_000 }),
    async [Symbol.asyncDispose]() {
      await pool.close()
      await server.close()
    },
  }
}

async function openRedis(appendfsync: string): Promise<Store> {
  const server = await startRedis({ settings: { appendonly: 'yes', appendfsync } })
  const { url } = server
  return {
    server,
    open: () =>
      createTasks({
        engine: redisEngine({ url, leaseMs, commandTimeoutMs }),
        drainTimeoutMs: 1_000,
      }),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

const stores: [string, () => Promise<Store>][] = [
  ['PostgreSQL', openPostgres],
  // Killed, Redis has handed to the system what it acknowledged: only a machine that goes down with it
  // shows the difference between the two.
  ['Redis with appendfsync always', () => openRedis('always')],
  ['Redis with appendfsync everysec', () => openRedis('everysec')],
]

describe.each(stores)('%s', (_, openStore) => {
  test(
    'is killed twice: each task that was acknowledged is completed, the others were refused',
    { timeout: 90_000 },
    async () => {
      await using store = await openStore()
      await using tasks = store.open()
      const work = tasks.define('work', { retries: 10, run: (n: number) => n })
      await tasks.start()

      const enqueuers = startEnqueuers(4, (n) => work.enqueue(n))
      const { acknowledged, refusals } = enqueuers
      for (let kill = 1; kill <= 2; kill++) {
        const before = acknowledged.size
        await until(() => acknowledged.size >= before + 100)
        await store.server.kill()
        await until(() => refusals.length >= kill)
        await store.server.restart()
      }
      const before = acknowledged.size
      await until(() => acknowledged.size >= before + 10)
      await enqueuers.end()

      for (const [n, id] of acknowledged) {
        expect(await ended(work, id)).toMatchObject({ state: 'completed', result: n })
      }
      expect(refusals.filter((error) => !isStoreFailed(error))).toEqual([])
    },
  )

  test('freezes: a call is refused in time, and what ran is completed after', async () => {
    await using store = await openStore()
    await using tasks = store.open()
    const began = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const work = tasks.define('work', {
      run: async () => {
        began.resolve()
        await release.promise
        return 'done'
      },
    })
    await tasks.start()
    const { id } = await work.enqueue(null)
    await began.promise
    await store.server.freeze()
    const startedMs = performance.now()
    await expect(work.enqueue(null)).rejects.toSatisfy(isStoreFailed)
    await expect(work.status(id)).rejects.toSatisfy(isStoreFailed)
    expect(performance.now() - startedMs).toBeLessThan(4 * commandTimeoutMs)
    release.resolve()
    await store.server.thaw()
    // The lease may have run out meanwhile, by the clock of the server: then it is done twice.
    expect(await ended(work, id)).toMatchObject({ state: 'completed', result: 'done' })
  })
})

test.each([
  ['postgres', startPostgres],
  ['redis', startRedis],
] as const)(
  'a process on %s closes and ends while the server is frozen',
  { timeout: 60_000 },
  async (kind, start) => {
    await using server = await start()
    const child = fork(closeMain, [kind, server.url])
    const ended = once(child, 'exit')
    try {
      expect(await once(child, 'message')).toEqual(['runs', undefined])
      await server.freeze()
      const closed = once(child, 'message')
      child.send('close')
      expect((await closed)[0]).toBe('closed')
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
      expect(await ended).toEqual([0, null])
      clearTimeout(late)
    } finally {
      child.kill('SIGKILL')
      await server.thaw()
    }
  },
)

function isStoreFailed(error: unknown): boolean {
  return error instanceof HotpathError && error.code === 'HOTPATH_TASKS_STORE_FAILED'
}

/** Waits through errors of a server that is not quite back. */
async function ended(task: Task<never, unknown>, id: string): Promise<unknown> {
  for (;;) {
    try {
      return await task.wait(id, { timeoutMs: 20_000 })
    } catch (error) {
      if (!isStoreFailed(error)) throw error
    }
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5))
}
