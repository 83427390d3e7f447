// Runs empty jobs that are all there already, and prints how many a second.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What is measured, and with what. */
export interface Order {
  readonly contender: keyof typeof contenders
  readonly redisUrl: string
  readonly jobs: number
  readonly concurrency: number
}

/** Returns the milliseconds that the jobs took. */
type Contender = (order: Order) => Promise<number>

const contenders = { sqlite, bullmq } satisfies Record<string, Contender>

const order = JSON.parse(process.argv[2] ?? '') as Order
const elapsedMs = await contenders[order.contender](order)
console.log(JSON.stringify({ jobsPerSecond: (order.jobs / elapsedMs) * 1_000 }))
process.exit()

async function sqlite({ jobs, concurrency }: Order): Promise<number> {
  const { createTasks, sqliteEngine } = await import('hotpath/tasks')
  const folder = mkdtempSync(join(tmpdir(), 'hotpath-throughput-'))
  const tasks = createTasks({ engine: sqliteEngine({ file: join(folder, 'tasks.db') }) })
  const empty = tasks.define('empty', { concurrency, run: () => {} })
  for (let n = 0; n < jobs; n += 1_000) {
    await Promise.all(Array.from({ length: 1_000 }, () => empty.enqueue(undefined)))
  }
  const startMs = performance.now()
  await tasks.start()
  while (tasks.stats().completed < jobs) await new Promise((resolve) => setTimeout(resolve, 2))
  const elapsedMs = performance.now() - startMs
  await tasks.close()
  rmSync(folder, { recursive: true })
  return elapsedMs
}

async function bullmq({ redisUrl, jobs, concurrency }: Order): Promise<number> {
  const { Queue, Worker } = await import('bullmq')
  const { port } = new URL(redisUrl)
  const connection = { host: '127.0.0.1', port: Number(port) }
  const queue = new Queue(`empty-${process.pid}`, { connection })
  for (let n = 0; n < jobs; n += 1_000) {
    await queue.addBulk(Array.from({ length: 1_000 }, () => ({ name: 'empty', data: {} })))
  }
  const { promise: done, resolve } = Promise.withResolvers<void>()
  const worker = new Worker(queue.name, async () => {}, { connection, concurrency, autorun: false })
  let completed = 0
  worker.on('completed', () => {
    if (++completed === jobs) resolve()
  })
  await worker.waitUntilReady()
  const startMs = performance.now()
  void worker.run()
  await done
  const elapsedMs = performance.now() - startMs
  await worker.close()
  await queue.obliterate({ force: true })
  await queue.close()
  return elapsedMs
}
