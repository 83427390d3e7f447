import { realpathSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { HotpathError } from '../../core/index.ts'
import type {
  DeadLetterQuery,
  Enqueued,
  EngineHost,
  Execute,
  NewTask,
  Outcome,
  TaskAbilities,
  TaskEngine,
  TaskRecord,
  Work,
  WorkSettings,
} from '../engine.ts'
import { createTaskId, TaskInsert } from './insert.ts'
import {
  resolveSqliteOptions,
  type ResolvedSqliteOptions,
  type SqliteEngineOptions,
} from './options.ts'
import type { Adoption, ClaimedRow, Effect, Report, SqliteValue } from './protocol.ts'
import { describe, storeFailed } from './errors.ts'
import { StandingLink, type StandingLinkOwner } from './standing-link.ts'
import { OwnWork } from './work.ts'

/**
 * What a transactional handler is given on SQLite: statements that take place in the transaction that
 * completes the task, or not at all.
 */
export interface SqliteEffects {
  /**
   * Notes a statement. It runs after the handler has returned; when one is refused (a constraint, say)
   * all are undone, and the attempt has failed.
   */
  run(sql: string, ...values: SqliteValue[]): void
}

/** Tasks in a SQLite file; see {@link sqliteEngine}. */
export type SqliteEngine = TaskEngine<DatabaseSync, SqliteEffects>

/**
 * Keeps tasks in a SQLite file, for all processes of one machine: nothing to install, and as durable as
 * the disk. A task is acknowledged after its fsync, which simultaneous enqueues share.
 *
 * As `transaction`, `enqueue` takes your own open `DatabaseSync` on the same file, inside a transaction:
 * the task is there when you commit.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createTasks, sqliteEngine } from 'hotpath/tasks'
 *
 * const tasks = createTasks({ engine: sqliteEngine({ file: 'tasks.db' }) })
 * await tasks.close()
 * ```
 */
export function sqliteEngine(options: SqliteEngineOptions): SqliteEngine {
  return new SqliteTaskEngine(resolveSqliteOptions(options))
}

class SqliteTaskEngine implements SqliteEngine, StandingLinkOwner {
  readonly kind = 'sqlite'
  readonly abilities: TaskAbilities = {
    transactionalEnqueue: true,
    transactionalHandler: true,
    rate: true,
    priority: true,
  }
  readonly file: string
  readonly #options: ResolvedSqliteOptions
  readonly #works = new Map<string, OwnWork>()
  readonly #inserts = new WeakMap<DatabaseSync, TaskInsert>()
  #link: StandingLink | undefined
  #host: EngineHost | undefined
  #isGivingUp = false

  constructor(options: ResolvedSqliteOptions) {
    this.#options = options
    this.file = options.file
  }

  async open(host: EngineHost): Promise<void> {
    this.#host = host
    this.#link = await StandingLink.open(this.#options, this)
  }

  async enqueue(task: NewTask, transaction?: DatabaseSync): Promise<Enqueued> {
    const id = createTaskId(Date.now())
    if (transaction !== undefined) return this.#enqueueIn(transaction, id, task)
    return this.#connected().ask({ ask: 'enqueue', id, task })
  }

  find(id: string): Promise<TaskRecord | undefined> {
    return this.#connected().ask({ ask: 'find', id })
  }

  cancel(id: string): Promise<string | undefined> {
    return this.#connected().ask({ ask: 'cancel', id })
  }

  async work(settings: WorkSettings, execute: Execute<SqliteEffects>): Promise<Work> {
    const link = this.#connected()
    const work = new OwnWork(settings, execute, {
      progress: (row, value) => this.#progress(row, value),
      settle: (row, outcome, effects) => this.#settle(row, outcome, effects),
      rest: () => this.#connected().ask({ ask: 'rest', name: settings.name }),
      giveUp: () => this.#giveUp(),
      rested: () => this.#rested(settings.name),
    })
    this.#works.set(settings.name, work)
    link.hold(true)
    try {
      await link.ask({ ask: 'work', settings })
    } catch (error) {
      this.#rested(settings.name)
      throw error
    }
    return work
  }

  deadLetters(query: DeadLetterQuery): Promise<TaskRecord[]> {
    return this.#connected().ask({ ask: 'deadLetters', query })
  }

  replay(id: string): Promise<boolean> {
    return this.#connected().ask({ ask: 'replay', id })
  }

  async close(): Promise<void> {
    const link = this.#link
    this.#link = undefined
    await link?.close()
  }

  reported({ claims, stops, troubles }: Report): void {
    for (const row of claims) this.#works.get(row.name)?.begin(row)
    for (const stop of stops) for (const work of this.#works.values()) work.stopped(stop)
    for (const { operation, error } of troubles) {
      this.#host?.onTrouble(operation, storeFailed('refused', this.file, error))
    }
  }

  adoption(): Adoption {
    const works = [...this.#works.values()]
    return {
      works: works.flatMap((work) => work.wanted ?? []),
      rows: works.flatMap((work) => work.rows),
      isGivingUp: this.#isGivingUp,
    }
  }

  died(error: unknown): void {
    this.#host?.onTrouble('thread', error)
  }

  broken(error: Error): void {
    for (const work of this.#works.values()) work.lost()
    this.#host?.onTrouble('thread', error)
  }

  #settle({ seq, claim }: ClaimedRow, outcome: Outcome, effects: readonly Effect[]) {
    const question = { ask: 'settle', seq, claim, outcome, effects } as const
    return this.#connected().askAgain<boolean>(
      { ...question, isAgain: false },
      { ...question, isAgain: true },
    )
  }

  async #giveUp(): Promise<void> {
    this.#isGivingUp = true
    await this.#connected().ask({ ask: 'giveUp' })
  }

  async #progress({ seq, claim }: ClaimedRow, value: string): Promise<void> {
    try {
      await this.#connected().ask({ ask: 'progress', seq, claim, value })
    } catch (error) {
      this.#host?.onTrouble('progress', error)
    }
  }

  #rested(name: string): void {
    this.#works.delete(name)
    if (this.#works.size === 0) this.#link?.hold(false)
  }

  /** By the caller's own connection, so that it is part of his transaction. */
  #enqueueIn(database: DatabaseSync, id: string, task: NewTask): Enqueued {
    if (!database.isTransaction) {
      throw new HotpathError(
        'HOTPATH_OPTION_INVALID',
        'transaction must be a DatabaseSync with an open transaction: run BEGIN before, and COMMIT after enqueue',
      )
    }
    if (realpathSync(database.location() ?? '') !== realpathSync(this.file)) {
      throw new HotpathError(
        'HOTPATH_OPTION_INVALID',
        `transaction is a connection to ${database.location()}, the tasks are in ${this.file}: they must share one file to commit together`,
      )
    }
    try {
      let insert = this.#inserts.get(database)
      if (insert === undefined) {
        insert = new TaskInsert(database)
        this.#inserts.set(database, insert)
      }
      return insert.run(id, task, Date.now())
    } catch (error) {
      throw storeFailed('refused', this.file, describe(error))
    }
  }

  #connected(): StandingLink {
    if (this.#link !== undefined) return this.#link
    throw new HotpathError('HOTPATH_COMPONENT_CLOSED', `the task store ${this.file} is closed`)
  }
}
