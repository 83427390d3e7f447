import type { DatabaseSync } from 'node:sqlite'
import type { Outcome } from '../engine.ts'
import { describe } from './errors.ts'
import type { Effect, Question } from './protocol.ts'
import type { TaskTable } from './table.ts'

export type Settle = Extract<Question, { ask: 'settle' }>

// When an attempt whose statements were refused is tried again.
const firstRetryMs = 2_000
const attempts = 4

/**
 * Stores how an attempt ended, together with the statements of a transactional handler: all of them, or
 * none and a failure. The caller has opened the transaction.
 *
 * @returns false where the attempt has lost its claim, or its statements were refused
 */
export function settle(
  database: DatabaseSync,
  table: TaskTable,
  { seq, claim, outcome, effects, isAgain }: Settle,
  attempt: number,
  nowMs: number,
): boolean {
  if (isAgain && table.hasStored(seq, claim, outcome)) return true
  if (effects.length === 0 || outcome.state !== 'completed') {
    return table.settle(seq, claim, outcome, nowMs)
  }
  database.exec('savepoint effects')
  try {
    const isSettled = table.settle(seq, claim, outcome, nowMs)
    if (isSettled) runAll(database, effects)
    database.exec('release effects')
    return isSettled
  } catch (error) {
    if (!database.isTransaction) throw error
    database.exec('rollback to effects; release effects')
    table.settle(seq, claim, refused(error, attempt), nowMs)
    return false
  }
}

function runAll(database: DatabaseSync, effects: readonly Effect[]): void {
  for (const { sql, values } of effects) database.prepare(sql).run(...values)
}

function refused(error: unknown, attempt: number): Outcome {
  const { message, stack } = describe(error)
  return {
    state: 'failed',
    error: { name: 'Error', message, code: undefined, stack },
    retryInMs: attempt < attempts ? firstRetryMs * 2 ** (attempt - 1) : undefined,
  }
}
