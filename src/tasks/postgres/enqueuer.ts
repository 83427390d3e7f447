import type { Enqueued, NewTask } from '../engine.ts'
import { storeFailed } from '../engine-errors.ts'
import { databaseOver, type PgBoss } from './pg-boss.ts'
import { jobOf, keyOf } from './job.ts'
import type { PostgresTaskPool, PostgresTransaction } from './options.ts'
import type { PostgresStore } from './store.ts'
import { inTransaction } from './transaction.ts'
import { newTaskUuid, writeTaskId } from '../task-id.ts'

interface Waiting {
  readonly task: NewTask
  resolve(enqueued: Enqueued): void
  reject(error: unknown): void
}

// A key's holder may end between the two statements that miss it.
const attempts = 10
const maxBatch = 500

/**
 * Stores tasks: those of one name that are enqueued while a statement is under way share the next, and
 * with it one commit.
 */
export class PostgresEnqueuer {
  readonly #boss: PgBoss
  readonly #store: PostgresStore
  readonly #pool: PostgresTaskPool
  readonly #queues = new Map<string, Promise<void>>()
  readonly #waiting = new Map<string, Waiting[]>()

  constructor(boss: PgBoss, store: PostgresStore, pool: PostgresTaskPool) {
    this.#boss = boss
    this.#store = store
    this.#pool = pool
  }

  async enqueue(task: NewTask, transaction: PostgresTransaction | undefined): Promise<Enqueued> {
    try {
      await this.queue(task.name)
      if (task.tick !== undefined) {
        if (transaction !== undefined) return await this.#enqueueTick(task, transaction)
        return await inTransaction(this.#pool, (tx) => this.#enqueueTick(task, tx))
      }
      if (transaction !== undefined) return await this.#insertOne(task, transaction)
      return await this.#share(task)
    } catch (error) {
      throw storeFailed('PostgreSQL', `store a task ${task.name}`, error, consequence(error))
    }
  }

  /** Creates the queue of a name, once. */
  queue(name: string): Promise<void> {
    let created = this.#queues.get(name)
    if (created === undefined) {
      created = this.#boss.createQueue(name, { policy: 'exclusive' })
      created.catch(() => this.#queues.delete(name))
      this.#queues.set(name, created)
    }
    return created
  }

  async #enqueueTick(task: NewTask, tx: PostgresTransaction): Promise<Enqueued> {
    const uuid = newTaskUuid()
    const id = writeTaskId({ name: task.name, uuid })
    const taken = task.tick && (await this.#store.takeTick(task.tick, id, tx))
    if (taken !== undefined) return { id: taken, isNew: false }
    return this.#insertOne(task, tx, uuid)
  }

  #share(task: NewTask): Promise<Enqueued> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(task.name)
      if (waiting !== undefined) {
        waiting.push({ task, resolve, reject })
        return
      }
      this.#waiting.set(task.name, [{ task, resolve, reject }])
      // What is enqueued in the same turn of the loop belongs to the same statement.
      queueMicrotask(() => void this.#write(task.name))
    })
  }

  async #write(name: string): Promise<void> {
    const waiting = this.#waiting.get(name) ?? []
    while (waiting.length > 0) await this.#writeBatch(name, waiting.splice(0, maxBatch))
    this.#waiting.delete(name)
  }

  async #writeBatch(name: string, batch: readonly Waiting[]): Promise<void> {
    try {
      const uuids = batch.map(newTaskUuid)
      const stored = await this.#insert(
        name,
        batch.map(({ task }, index) => jobOf(task, uuids[index] ?? '')),
        this.#pool,
      )
      for (const [index, { task, resolve, reject }] of batch.entries()) {
        const uuid = uuids[index] ?? ''
        if (stored.has(uuid)) resolve({ id: writeTaskId({ name, uuid }), isNew: true })
        else this.#insertOne(task, this.#pool).then(resolve, reject)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  /** Stores it, or finds the one that is in force under its key. */
  async #insertOne(
    task: NewTask,
    on: PostgresTransaction,
    uuid: string = newTaskUuid(),
  ): Promise<Enqueued> {
    const { name } = task
    for (let attempt = 0; attempt < attempts; attempt++) {
      const stored = await this.#insert(name, [jobOf(task, uuid)], on)
      if (stored.has(uuid)) return { id: writeTaskId({ name, uuid }), isNew: true }
      const holder = await this.#store.holderOf(name, keyOf(task, uuid), on)
      if (holder !== undefined) return { id: writeTaskId({ name, uuid: holder }), isNew: false }
    }
    throw new Error('others of its unique key came and went each time that it was tried')
  }

  async #insert(
    name: string,
    jobs: Record<string, unknown>[],
    on: PostgresTransaction,
  ): Promise<Set<string>> {
    const stored = await this.#boss.insert(name, jobs, { returnId: true, db: databaseOver(on) })
    return new Set(stored)
  }
}

function consequence(error: unknown): string {
  // An error with SQLSTATE is an answer: the statement had no effect.
  const { severity } = error as { severity?: unknown }
  return typeof severity === 'string'
    ? 'The task was not stored'
    : 'The task may be stored all the same; enqueue it again with a uniqueKey, lest there be two'
}
