import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fastify from 'fastify'
import { createClient } from 'redis'
import { expect, vi } from 'vitest'
import { hotpath } from '../../src/adapters/fastify/index.ts'
import { createBatcher } from '../../src/batch/index.ts'
import { createCache } from '../../src/cache/index.ts'
import { components, createManualClock, fromNodeRedis } from '../../src/index.ts'
import { createLimiter } from '../../src/limit/index.ts'
import { createBudgets, createRuntimeMonitor, measure } from '../../src/measure/index.ts'
import { memoize } from '../../src/memo/public.ts'
import { createPool } from '../../src/postgres/index.ts'
import { createTasks, redisEngine } from '../../src/tasks/index.ts'
import { createUploadStore } from '../../src/tasks/upload-store.ts'
import { createWorkers } from '../../src/workers/index.ts'
import type * as functions from '../workers/functions.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A name that must be escaped wherever it is written as it is. */
export const awkwardName = 'users "of" C:\\new\nline'

/** A component of every kind, each of which has done something. */
export interface EveryComponent {
  /** Does some more of it. */
  use(): Promise<void>
  /** Collects garbage as often as it takes to tell a slope of the heap. */
  collectGarbage(): Promise<void>
  close(): Promise<void>
}

// Those have no `close()`: once for all tests of a file.
const double = memoize((n: number) => 2 * n, { name: 'double' })
const triple = measure((n: number) => 3 * n, { name: 'triple' })
const fail = measure(() => Promise.reject(new Error('as it should')), { name: 'fail' })

export async function createEveryComponent(services: {
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly prefix: string
}): Promise<EveryComponent> {
  const { databaseUrl, redisUrl, prefix } = services
  const client = createClient({ url: redisUrl })
  await client.connect()
  const redis = fromNodeRedis(client)
  const pool = createPool(databaseUrl, { name: 'shop', maxConnections: 2 })
  const cache = createCache<number>({ name: awkwardName, redis, namespace: prefix })
  const limiter = createLimiter('5/minute', { name: `${prefix}shared`, redis })
  const workers = createWorkers<typeof functions>(
    new URL('../workers/functions.ts', import.meta.url),
    { maxThreads: 1 },
  )
  const tasks = createTasks({ engine: redisEngine({ url: redisUrl, prefix: prefix.slice(0, -1) }) })
  const greet = tasks.define('greet', { run: (name: string) => `Hello ${name}` })
  await tasks.start()
  const batcher = createBatcher(async (inputs: readonly number[]) => inputs, { maxSize: 10 })
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-metrics-'))
  const uploads = createUploadStore({ folder, maxBytes: 1_000 })
  const clock = createManualClock()
  const monitor = createRuntimeMonitor({ clock })
  const budgets = createBudgets()
  const app = fastify()
  await app.register(hotpath, {
    budgets,
    cache: { ttlMs: 60_000 },
    limit: '1000/minute',
    shed: {},
    compress: true,
  })
  app.get('/page', { config: { hotpath: { cache: {} } } }, async () => ({
    text: 'a page that is worth compressing '.repeat(200),
  }))

  return {
    async use() {
      for (const n of [1, 1, 2]) double(n)
      for (const n of [1, 2, 3]) triple(n)
      await fail().catch(() => {})
      await cache.getOrSet('answer', async () => 42)
      await cache.getOrSet('answer', async () => 42)
      await limiter.take('ada')
      await Promise.all([1, 2, 3, 4].map((n) => pool.query('select $1::int, pg_sleep(0.002)', [n])))
      await uploads.receive(Readable.from([Buffer.from('a file')]))
      await workers.run('double', 21)
      const { id } = await greet.enqueue('Grace')
      await greet.wait(id)
      await Promise.all([batcher.call(1), batcher.call(2)])
      for (const encoding of ['gzip', 'identity', 'gzip']) {
        await app.inject({ url: '/page', headers: { 'accept-encoding': encoding } })
      }
    },
    async collectGarbage() {
      while (monitor.stats().heap.trend.state === 'not enough data') {
        const before = monitor.stats().gc.major.count
        collect()
        await vi.waitFor(() => expect(monitor.stats().gc.major.count).toBeGreaterThan(before))
        clock.advance(60_000)
      }
    },
    async close() {
      await app.close()
      await Promise.all(
        [batcher, uploads, budgets, monitor, tasks, workers, cache, limiter, pool].map((c) =>
          c.close(),
        ),
      )
      client.destroy()
      await rm(folder, { recursive: true })
    },
  }
}

/** The kinds of the components alive. */
export function kindsAlive(): Set<string> {
  return new Set(components().map(({ kind }) => kind))
}
