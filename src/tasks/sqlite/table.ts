import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  workerLost,
  type DeadLetterQuery,
  type Outcome,
  type TaskRecord,
  type WorkSettings,
} from '../engine.ts'
import type { HeldClaim } from './holdings.ts'
import type { LeaseRow } from './leases.ts'
import type { ClaimedRow } from './protocol.ts'
import { recordColumns, toRecord, type TaskRow } from './rows.ts'
import { rowState } from './schema.ts'

const expireAtOnce = 500

/** The statements over the tables of tasks, as methods. None of them opens a transaction. */
export class TaskTable {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  find(id: string, nowMs: number): TaskRecord | undefined {
    const row = this.#sql(
      `select ${recordColumns} from hotpath_tasks
       where id = ? and (expires_ms is null or expires_ms > ?)`,
    ).get(id, nowMs)
    return row === undefined ? undefined : toRecord(row as unknown as TaskRow)
  }

  deadLetters({ name, limit }: DeadLetterQuery, nowMs: number): TaskRecord[] {
    const rows = this.#sql(
      `select ${recordColumns} from hotpath_tasks
       where state = 3 and name = coalesce(?, name) and expires_ms > ?
       order by ended_ms desc limit ?`,
    ).all(name ?? null, nowMs, limit)
    return rows.map((row) => toRecord(row as unknown as TaskRow))
  }

  /** Ends a task: its name, or undefined where there was nothing to end. */
  cancel(id: string, nowMs: number): string | undefined {
    const row = this.#sql(
      `update hotpath_tasks set state = 4, worker = null, ended_ms = ?1, expires_ms = ?1 + result_ttl_ms
       where id = ?2 and state in (0, 1, 5) returning name`,
    ).get(nowMs, id) as { name: string } | undefined
    return row?.name
  }

  replay(id: string, nowMs: number): boolean {
    // "or ignore": a task of the same unique key may be in force.
    const { changes } = this.#sql(
      `update or ignore hotpath_tasks
       set state = 0, due_ms = ?1, attempts = 0, progress = null, started_ms = null, ended_ms = null,
         expires_ms = null
       where id = ?2 and state = 3 and expires_ms > ?1`,
    ).run(nowMs, id)
    return changes === 1
  }

  progress(seq: number, claim: number, value: string): void {
    this.#sql(
      'update hotpath_tasks set progress = ? where seq = ? and claim = ? and state = 1',
    ).run(value, seq, claim)
  }

  /** Stores how an attempt ended: false where it has lost its claim. */
  settle(seq: number, claim: number, outcome: Outcome, nowMs: number): boolean {
    switch (outcome.state) {
      case 'completed':
        return this.#end(seq, claim, 2, 'result_ttl_ms', outcome.result ?? null, null, nowMs)
      case 'failed': {
        const error = JSON.stringify(outcome.error)
        if (outcome.retryInMs === undefined) {
          return this.#end(seq, claim, 3, 'dead_letter_ttl_ms', null, error, nowMs)
        }
        const { changes } = this.#sql(
          `update hotpath_tasks set state = 5, worker = null, due_ms = ?, error = ?
           where seq = ? and claim = ? and state = 1`,
        ).run(Math.ceil(nowMs + outcome.retryInMs), error, seq, claim)
        return changes === 1
      }
      case 'stopped':
        if (outcome.reason === 'closing') this.handBack({ seq, claim })
        return false
    }
  }

  /** Whether this outcome of this attempt is in the store. */
  hasStored(seq: number, claim: number, outcome: Outcome): boolean {
    const row = this.#sql('select state, error from hotpath_tasks where seq = ? and claim = ?').get(
      seq,
      claim,
    )
    // Nobody completes a task but the attempt that has the claim. Others make it fail: with another error.
    if (outcome.state === 'completed') return row?.['state'] === rowState.completed
    return outcome.state === 'failed' && row?.['error'] === JSON.stringify(outcome.error)
  }

  /** Makes ready what has become due: whether there was anything. */
  promote(nowMs: number): boolean {
    const { changes } = this.#sql(
      'update hotpath_tasks set state = 0 where state = 5 and due_ms <= ?',
    ).run(nowMs)
    return changes !== 0
  }

  isDue(nowMs: number): boolean {
    return (
      this.#sql('select 1 from hotpath_tasks where state = 5 and due_ms <= ? limit 1').get(
        nowMs,
      ) !== undefined
    )
  }

  isReady(name: string): boolean {
    return (
      this.#sql('select 1 from hotpath_tasks where state = 0 and name = ? limit 1').get(name) !==
      undefined
    )
  }

  /** Gives up to `limit` tasks of a name to a worker, in the order in which they are to run. */
  claim({ name, rate }: WorkSettings, worker: number, limit: number, nowMs: number): ClaimedRow[] {
    const allowed = rate === undefined ? limit : Math.min(limit, this.#allowedBy(name, rate, nowMs))
    if (allowed <= 0) return []
    const rows = this.#sql(
      `update hotpath_tasks
       set state = 1, attempts = attempts + 1, claim = claim + 1, worker = ?1, started_ms = ?2
       where seq in (
         select seq from hotpath_tasks where state = 0 and name = ?3
         order by priority desc, due_ms, seq limit ?4)
       returning seq, claim, id, name, input, attempts as attempt, enqueued_ms as enqueuedMs,
         priority, due_ms as dueMs`,
    ).all(worker, nowMs, name, allowed) as unknown as (ClaimedRow & Order)[]
    if (rate !== undefined) this.#noteStarts(name, rows.length, nowMs)
    // RETURNING promises no order.
    return rows.sort((a, b) => b.priority - a.priority || a.dueMs - b.dueMs || a.seq - b.seq)
  }

  /** Which attempts the store still sees with a worker. */
  heldBy(worker: number): Map<number, number> {
    const rows = this.#sql(
      'select seq, claim from hotpath_tasks where worker = ? and state = 1',
    ).all(worker) as unknown as { seq: number; claim: number }[]
    return new Map(rows.map(({ seq, claim }) => [seq, claim]))
  }

  leases(): LeaseRow[] {
    return this.#sql(
      'select worker, beats, lease_ms as leaseMs from hotpath_task_leases',
    ).all() as unknown as LeaseRow[]
  }

  /** Says that a worker is there: false where others have declared it dead. */
  renew(worker: number): boolean {
    const { changes } = this.#sql(
      'update hotpath_task_leases set beats = beats + 1 where worker = ?',
    ).run(worker)
    return changes === 1
  }

  isKnown(worker: number): boolean {
    const row = this.#sql('select 1 from hotpath_task_leases where worker = ?').get(worker)
    return row !== undefined
  }

  enter(worker: number, leaseMs: number): void {
    this.#sql('insert into hotpath_task_leases (worker, beats, lease_ms) values (?, 0, ?)').run(
      worker,
      Math.ceil(leaseMs),
    )
  }

  leave(worker: number): void {
    this.#sql('delete from hotpath_task_leases where worker = ?').run(worker)
  }

  /** Gives an attempt a new worker: false where it has lost its claim. */
  adopt({ seq, claim }: HeldClaim, worker: number): boolean {
    const { changes } = this.#sql(
      'update hotpath_tasks set worker = ? where seq = ? and claim = ? and state = 1',
    ).run(worker, seq, claim)
    return changes === 1
  }

  /** Takes its tasks from a worker whose lease has run out. */
  takeOver(worker: number, nowMs: number): void {
    this.#take('worker = ?3', nowMs, worker)
    this.leave(worker)
  }

  /** Takes one task from the attempt that has it. */
  takeFrom({ seq, claim }: HeldClaim, nowMs: number): void {
    this.#take('seq = ?3 and claim = ?4', nowMs, seq, claim)
  }

  hasExpired(nowMs: number): boolean {
    return (
      this.#sql('select 1 from hotpath_tasks where expires_ms <= ? limit 1').get(nowMs) !==
      undefined
    )
  }

  /** Deletes some of what is kept no longer, so that no transaction is long: whether there may be more. */
  expire(nowMs: number): boolean {
    const { changes } = this.#sql(
      `delete from hotpath_tasks where seq in (
         select seq from hotpath_tasks where expires_ms <= ? limit ${expireAtOnce})`,
    ).run(nowMs)
    return changes === expireAtOnce
  }

  handBack({ seq, claim }: HeldClaim): void {
    this.#sql(
      `update hotpath_tasks set state = 0, worker = null, attempts = attempts - 1
       where seq = ? and claim = ? and state = 1`,
    ).run(seq, claim)
  }

  #end(
    seq: number,
    claim: number,
    state: number,
    ttl: 'result_ttl_ms' | 'dead_letter_ttl_ms',
    result: string | null,
    error: string | null,
    nowMs: number,
  ): boolean {
    const { changes } = this.#sql(
      `update hotpath_tasks
       set state = ?1, worker = null, result = ?2, error = ?3, ended_ms = ?4, expires_ms = ?4 + ${ttl}
       where seq = ?5 and claim = ?6 and state = 1`,
    ).run(state, result, error, nowMs, seq, claim)
    return changes === 1
  }

  /** Queues tasks again, or makes dead letters of those that were begun as often as they may be. */
  #take(which: 'worker = ?3' | 'seq = ?3 and claim = ?4', nowMs: number, ...keys: number[]): void {
    this.#sql(
      `update hotpath_tasks
       set worker = null,
         state = iif(attempts < max_attempts, 0, 3),
         error = iif(attempts < max_attempts, error, ?1),
         ended_ms = iif(attempts < max_attempts, null, ?2),
         expires_ms = iif(attempts < max_attempts, null, ?2 + dead_letter_ttl_ms)
       where ${which} and state = 1`,
    ).run(JSON.stringify(workerLost), nowMs, ...keys)
  }

  #allowedBy(name: string, { limit, perMs }: { limit: number; perMs: number }, nowMs: number) {
    // A start that lies ahead was noted before the system's time was set back.
    this.#sql(
      'delete from hotpath_task_starts where name = ?1 and (at_ms <= ?2 or at_ms > ?3)',
    ).run(name, nowMs - perMs, nowMs)
    const row = this.#sql('select count(*) as count from hotpath_task_starts where name = ?').get(
      name,
    ) as { count: number } | undefined
    return limit - (row?.count ?? 0)
  }

  #noteStarts(name: string, count: number, nowMs: number): void {
    const note = this.#sql('insert into hotpath_task_starts (name, at_ms) values (?, ?)')
    for (let i = 0; i < count; i++) note.run(name, nowMs)
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.#database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}

interface Order {
  readonly priority: number
  readonly dueMs: number
}
