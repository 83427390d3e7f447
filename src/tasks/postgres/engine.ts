import { HotpathError } from '../../core/index.ts'
import type {
  DeadLetterQuery,
  EngineHost,
  Enqueued,
  Execute,
  NewTask,
  TaskEngine,
  TaskRecord,
  Work,
  WorkSettings,
} from '../engine.ts'
import { engineClosed, storeFailed } from '../engine-errors.ts'
import { settlesWithin } from '../settles-within.ts'
import { databaseOver, loadPgBoss, type PgBoss } from './pg-boss.ts'
import { PostgresEnqueuer } from './enqueuer.ts'
import { recordOf } from './job.ts'
import { PostgresLeases } from './leases.ts'
import {
  resolvePostgresEngineOptions,
  type PostgresEngineOptions,
  type PostgresTransaction,
  type ResolvedPostgresEngineOptions,
} from './options.ts'
import { PostgresStore } from './store.ts'
import { PostgresWork } from './work.ts'
import { readTaskId } from '../task-id.ts'

/**
 * Tasks in PostgreSQL, by pg-boss 12: for more than one machine. Needs the packages `pg-boss` and
 * `@opentelemetry/api`.
 *
 * A task can be enqueued inside a transaction of the caller, and a transactional handler's effects
 * commit with its completion. A task of a worker that died or froze is taken over after `leaseMs`.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createPool } from 'hotpath/postgres'
 * import { createTasks, postgresEngine } from 'hotpath/tasks'
 *
 * const pool = createPool(process.env.DATABASE_URL)
 * const tasks = createTasks({ engine: postgresEngine({ pool }) })
 * ```
 */
export function postgresEngine(
  options: PostgresEngineOptions,
): TaskEngine<PostgresTransaction, PostgresTransaction> {
  return new PostgresEngine(resolvePostgresEngineOptions(options))
}

/** What there is once the engine is open. */
interface Opened {
  readonly boss: PgBoss
  readonly enqueuer: PostgresEnqueuer
  readonly leases: PostgresLeases
  readonly host: EngineHost
}

// pg-boss looks for what has been kept long enough; `find` does not wait for it.
const maintenanceIntervalSeconds = 300

const stopMs = 5_000

class PostgresEngine implements TaskEngine<PostgresTransaction, PostgresTransaction> {
  readonly kind = 'postgres'
  readonly abilities = {
    transactionalEnqueue: true,
    transactionalHandler: true,
    rate: true,
    priority: true,
  } as const
  readonly #options: ResolvedPostgresEngineOptions
  readonly #store: PostgresStore
  readonly #works = new Map<string, PostgresWork>()
  /** By name, how many transactional tasks may run at a time. */
  readonly #transactional = new Map<string, number>()
  #opened: Opened | undefined

  constructor(options: ResolvedPostgresEngineOptions) {
    this.#options = options
    this.#store = new PostgresStore(options.pool, options.schema)
  }

  async open(host: EngineHost): Promise<void> {
    const Boss = await loadPgBoss()
    const { pool, schema, leaseMs } = this.#options
    const boss = new Boss({
      db: databaseOver(pool),
      schema,
      schedule: false,
      maintenanceIntervalSeconds,
    })
    boss.on('error', (error) => host.onTrouble('maintain the store', error))
    try {
      await boss.start()
      await this.#store.migrate()
    } catch (error) {
      await boss.stop({ graceful: false }).catch(() => {})
      throw storeFailed('PostgreSQL', `open the schema ${schema}`, error, 'Nothing was stored')
    }
    const leases = new PostgresLeases({
      store: this.#store,
      leaseMs,
      host,
      onTakenOver: (names) => {
        for (const name of names) this.#works.get(name)?.wake()
      },
    })
    this.#opened = { boss, enqueuer: new PostgresEnqueuer(boss, this.#store, pool), leases, host }
  }

  async enqueue(task: NewTask, transaction?: PostgresTransaction): Promise<Enqueued> {
    const enqueued = await this.#open.enqueuer.enqueue(task, transaction)
    // Nobody can claim it before the caller has committed.
    if (transaction === undefined) this.#works.get(task.name)?.wakeIn(task.delayMs)
    return enqueued
  }

  async find(id: string): Promise<TaskRecord | undefined> {
    const key = readTaskId(id)
    if (key === undefined) return undefined
    const row = await this.#ask('find a task', () => this.#store.find(key.name, key.uuid))
    return row && recordOf(row, Date.now())
  }

  async cancel(id: string): Promise<string | undefined> {
    const key = readTaskId(id)
    if (key === undefined) return undefined
    const job = await this.#ask('cancel a task', () => this.#store.find(key.name, key.uuid))
    if (job === undefined) return undefined
    const answer = await this.#ask('cancel a task', () =>
      this.#open.boss.cancel(key.name, key.uuid),
    )
    return (answer as { affected?: number }).affected === 1 ? key.name : undefined
  }

  async work(settings: WorkSettings, execute: Execute<PostgresTransaction>): Promise<Work> {
    const { boss, enqueuer, leases, host } = this.#open
    const { name } = settings
    if (settings.transactional) this.#checkConnections(settings)
    await this.#ask(`create the queue of ${name}`, () => enqueuer.queue(name))
    leases.watch(name)
    const { pool, pollMs } = this.#options
    const store = this.#store
    const work = new PostgresWork({ boss, store, pool, leases, host, pollMs }, settings, execute)
    this.#works.set(name, work)
    return work
  }

  async deadLetters(query: DeadLetterQuery): Promise<TaskRecord[]> {
    const rows = await this.#ask('list dead letters', () => this.#store.deadLetters(query))
    const nowMs = Date.now()
    return rows.flatMap((row) => recordOf(row, nowMs) ?? [])
  }

  async replay(id: string): Promise<boolean> {
    const key = readTaskId(id)
    if (key === undefined) return false
    const isReplayed = await this.#ask('replay a task', async () => {
      const job = await this.#store.find(key.name, key.uuid)
      if (job === undefined) return false
      try {
        return await this.#store.replay(key.name, key.uuid, job.data)
      } catch (error) {
        // Another task of its unique key is in force.
        if ((error as { code?: unknown }).code === '23505') return false
        throw error
      }
    })
    if (isReplayed) this.#works.get(key.name)?.wake()
    return isReplayed
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    if (opened === undefined) return
    opened.leases.close()
    // A pool without deadlines waits for ever for a server that is frozen.
    if (await settlesWithin(opened.boss.stop({ graceful: false }), stopMs)) return
    opened.host.onTrouble('close', new Error(`PostgreSQL has not answered within ${stopMs} ms`))
  }

  /** Each transactional attempt holds a connection; without one more no lease could be renewed. */
  #checkConnections({ name, concurrency }: WorkSettings): void {
    this.#transactional.set(name, concurrency)
    const count = [...this.#transactional.values()].reduce((sum, one) => sum + one, 0)
    const { max } = this.#options.pool.options ?? {}
    if (max === undefined || count < max) return
    throw new HotpathError(
      'HOTPATH_OPTION_INVALID',
      `with ${name} the transactional tasks hold up to ${count} connections at a time, and the pool has ${max}: ` +
        'give it more than that, or these tasks a smaller concurrency',
    )
  }

  get #open(): Opened {
    if (this.#opened === undefined) throw engineClosed('PostgreSQL')
    return this.#opened
  }

  async #ask<T>(operation: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      if (error instanceof HotpathError && error.code === 'HOTPATH_COMPONENT_CLOSED') throw error
      throw storeFailed('PostgreSQL', operation, error, 'Try again')
    }
  }
}
