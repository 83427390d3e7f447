import type { TaskEngine } from 'hotpath/tasks'
import type { Bench, CallersWorkload, Contender, Services } from '../kit/bench.ts'

const jobsPerCall = 500
const concurrency = 100
const connections = 10
const keptSeconds = 3_600

/** Resolves when as many jobs as a call has enqueued have run. */
class Countdown {
  #left = 0
  #done = Promise.withResolvers<void>()

  begin(count: number): Promise<void> {
    this.#left = count
    this.#done = Promise.withResolvers()
    return this.#done.promise
  }

  ran(count = 1): void {
    this.#left -= count
    if (this.#left === 0) this.#done.resolve()
  }
}

/** pg-boss as one who wants it fast would use it: full batches, and woken when there is work. */
const bareBoss: Contender = async ({ url, workload }) => {
  const { PgBoss } = await import('pg-boss')
  const boss = new PgBoss({
    connectionString: url('postgres'),
    schema: `bare_${workload.replaceAll('-', '_')}`,
    max: connections,
  })
  boss.on('error', (error) => console.error(error))
  await boss.start()
  await boss.createQueue('job', { retryLimit: 3, deleteAfterSeconds: keptSeconds })
  const countdown = new Countdown()
  const options = { batchSize: concurrency, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 }
  const worker = await boss.work('job', options, async (jobs) => countdown.ran(jobs.length))
  return {
    async call(n) {
      const done = countdown.begin(jobsPerCall)
      const sending = Array.from({ length: jobsPerCall }, () => boss.send('job', { n }))
      await Promise.all(sending)
      boss.notifyWorker(worker)
      await done
      return jobsPerCall
    },
    close: () => boss.stop({ graceful: false }),
  }
}

const bareBullMq: Contender = async ({ url }) => {
  const { Queue, Worker } = await import('bullmq')
  const { Redis } = await import('ioredis')
  const connection = new Redis(url('redis'), { maxRetriesPerRequest: null })
  const queue = new Queue('job', {
    connection,
    prefix: 'bare',
    defaultJobOptions: { attempts: 4, removeOnComplete: { age: keptSeconds } },
  })
  const countdown = new Countdown()
  const worker = new Worker('job', async () => countdown.ran(), {
    connection,
    prefix: 'bare',
    concurrency,
  })
  await worker.waitUntilReady()
  return {
    async call(n) {
      const done = countdown.begin(jobsPerCall)
      await Promise.all(Array.from({ length: jobsPerCall }, () => queue.add('job', { n })))
      await done
      return jobsPerCall
    },
    async close() {
      await worker.close()
      await queue.close()
      connection.disconnect()
    },
  }
}

function facade(
  open: (
    services: Services,
  ) => Promise<{ engine: TaskEngine<never, never>; close?: () => Promise<void> }>,
): Contender {
  return async (services) => {
    const { createTasks } = await import('hotpath/tasks')
    const { engine, close } = await open(services)
    const tasks = createTasks({ engine })
    const countdown = new Countdown()
    const job = tasks.define('job', { concurrency, run: () => countdown.ran() })
    await tasks.start()
    return {
      async call(n) {
        const done = countdown.begin(jobsPerCall)
        await Promise.all(Array.from({ length: jobsPerCall }, () => job.enqueue({ n })))
        await done
        return jobsPerCall
      },
      async close() {
        await tasks.close()
        await close?.()
      },
    }
  }
}

const onPostgres = facade(async ({ url }) => {
  const { createPool } = await import('hotpath/postgres')
  const { postgresEngine } = await import('hotpath/tasks')
  const pool = createPool(url('postgres'), { maxConnections: connections })
  return {
    engine: postgresEngine({ pool }) as TaskEngine<never, never>,
    close: () => pool.close(),
  }
})

const onRedis = facade(async ({ url }) => {
  const { redisEngine } = await import('hotpath/tasks')
  // Of the same version as the bare one's.
  const { Redis } = await import('ioredis')
  return { engine: redisEngine({ client: new Redis(url('redis'), { lazyConnect: true }) }) }
})

const batch: CallersWorkload = {
  kind: 'callers',
  about: `${jobsPerCall} empty jobs, enqueued at once, until all have run`,
  callers: 1,
  inputs: [1, 2, 3],
  check: (answer) => answer === jobsPerCall,
  warmupMs: 1_000,
  sliceMs: 1_500,
}

const bench: Bench = {
  title: 'what the facade of tasks costs over pg-boss and over BullMQ',
  settings: [
    `each call enqueues ${jobsPerCall} jobs one by one, all at once, and waits until they have run; requests are such calls`,
    `${concurrency} jobs at a time; ${connections} connections to PostgreSQL`,
    'pg-boss: work() with batches of 100, woken by notifyWorker; Redis keeps nothing on disk here',
    'hotpath: input checked and written as JSON, leases of 6 s, results kept for an hour',
  ],
  peers: ['pg-boss', 'bullmq', 'ioredis'],
  services: ['postgres', 'redis'],
  rounds: 4,
  processes: 'per-run',
  workloads: { batch },
  contenders: {
    'pg-boss': bareBoss,
    'hotpath on pg-boss': onPostgres,
    bullmq: bareBullMq,
    'hotpath on bullmq': onRedis,
  },
  baseline: 'pg-boss',
  claims: [
    {
      claim: 'over pg-boss used bare the facade costs at most 5 %',
      value: (figures) => figures.ratio('batch', 'hotpath on pg-boss', 'pg-boss', 'perSecond'),
      atLeast: 0.95,
    },
    {
      claim: 'over BullMQ used bare the facade costs at most 5 %',
      value: (figures) => figures.ratio('batch', 'hotpath on bullmq', 'bullmq', 'perSecond'),
      atLeast: 0.95,
    },
  ],
}

export default bench
