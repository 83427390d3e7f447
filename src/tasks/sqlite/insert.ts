import { randomBytes } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Enqueued, NewTask } from '../engine.ts'
import { rowState } from './schema.ts'

/** Ids begin with the time, so that the index over them grows at its end, and go on with 144 random bits. */
export function createTaskId(nowMs: number): string {
  const time = Buffer.alloc(6)
  time.writeUIntBE(nowMs, 0, 6)
  return time.toString('base64url') + takeRandom()
}

// A call to the system for each id would cost more than the rest of an enqueue.
const idsInPool = 256
let pool = ''
let takenChars = 0

/** 18 random bytes, as 24 characters. */
function takeRandom(): string {
  if (takenChars === pool.length) {
    pool = randomBytes(18 * idsInPool).toString('base64url')
    takenChars = 0
  }
  takenChars += 24
  return pool.slice(takenChars - 24, takenChars)
}

/** Inserts tasks by one connection; the caller has opened the transaction. */
export class TaskInsert {
  readonly #insert: StatementSync
  readonly #holder: StatementSync
  readonly #tick: StatementSync
  readonly #takeTick: StatementSync

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      `insert into hotpath_tasks (id, name, state, priority, due_ms, unique_key, max_attempts,
         enqueued_ms, result_ttl_ms, dead_letter_ttl_ms, input)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
    )
    this.#holder = database.prepare(
      `select id from hotpath_tasks where name = ? and unique_key = ? and state in (0, 1, 5)`,
    )
    this.#tick = database.prepare('select at_ms, task from hotpath_task_ticks where schedule = ?')
    this.#takeTick = database.prepare(
      `insert into hotpath_task_ticks (schedule, at_ms, task) values (?, ?, ?)
       on conflict (schedule) do update set at_ms = excluded.at_ms, task = excluded.task`,
    )
  }

  run(id: string, task: NewTask, nowMs: number): Enqueued {
    const { tick } = task
    if (tick !== undefined) {
      const last = this.#tick.get(tick.schedule) as { at_ms: number; task: string } | undefined
      if (last !== undefined && last.at_ms >= tick.atMs) return { id: last.task, isNew: false }
    }
    const enqueued = this.#store(id, task, nowMs)
    if (tick !== undefined) this.#takeTick.run(tick.schedule, tick.atMs, enqueued.id)
    return enqueued
  }

  #store(id: string, task: NewTask, nowMs: number): Enqueued {
    const { name, uniqueKey = null, delayMs } = task
    const { changes } = this.#insert.run(
      id,
      name,
      delayMs > 0 ? rowState.waiting : rowState.ready,
      task.priority,
      Math.ceil(nowMs + delayMs),
      uniqueKey,
      task.maxAttempts,
      nowMs,
      Math.ceil(task.resultTtlMs),
      Math.ceil(task.deadLetterTtlMs),
      task.input,
    )
    if (changes === 1) return { id, isNew: true }
    const holder = this.#holder.get(name, uniqueKey) as { id: string } | undefined
    return { id: holder?.id ?? id, isNew: false }
  }
}
