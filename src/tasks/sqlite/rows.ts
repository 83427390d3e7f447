import type { TaskFailure, TaskRecord, TaskState } from '../engine.ts'
import { rowState } from './schema.ts'

/** A row of hotpath_tasks, as far as a status needs it. */
export interface TaskRow {
  id: string
  name: string
  state: number
  input: string
  attempts: number
  progress: string | null
  result: string | null
  error: string | null
  enqueued_ms: number
  started_ms: number | null
  ended_ms: number | null
}

export const recordColumns =
  'id, name, state, input, attempts, progress, result, error, enqueued_ms, started_ms, ended_ms'

/** A row as the contract of engines has it. */
export function toRecord(row: TaskRow): TaskRecord {
  return {
    id: row.id,
    name: row.name,
    state: states[row.state] ?? 'queued',
    input: row.input,
    attempts: row.attempts,
    progress: row.progress ?? undefined,
    result: row.result ?? undefined,
    error: row.error === null ? undefined : (JSON.parse(row.error) as TaskFailure),
    enqueuedMs: row.enqueued_ms,
    startedMs: row.started_ms ?? undefined,
    endedMs: row.ended_ms ?? undefined,
  }
}

const states: Record<number, TaskState> = {
  [rowState.ready]: 'queued',
  [rowState.waiting]: 'queued',
  [rowState.processing]: 'processing',
  [rowState.completed]: 'completed',
  [rowState.failed]: 'failed',
  [rowState.cancelled]: 'cancelled',
}
