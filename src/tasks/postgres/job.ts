import type { NewTask, TaskFailure, TaskRecord, TaskState } from '../engine.ts'
import { writeTaskId } from '../task-id.ts'

/**
 * What is in the `data` of a pg-boss job. JSON stands in there as text: jsonb would change the order
 * of its keys, and refuses the character NUL.
 */
export interface JobData {
  readonly input: string
  readonly enqueuedMs: number
  /**
   * The `retry_count` that the first attempt has. pg-boss counts claims, and a settlement names its
   * attempt by that count, so it must never go back: what makes the attempts count anew, a replay or
   * an attempt handed back, moves this instead.
   */
  readonly base: number
  readonly maxAttempts: number
  readonly resultTtlMs: number
  readonly deadLetterTtlMs: number
}

/** What is in the `output` of a pg-boss job. */
export interface JobOutput {
  readonly result?: string | undefined
  /** A {@link TaskFailure} as JSON. */
  readonly error?: string | undefined
}

/** A job as `PostgresStore` reads it. */
export interface JobRow {
  readonly name: string
  readonly id: string
  readonly state: 'created' | 'retry' | 'active' | 'completed' | 'cancelled' | 'failed'
  readonly retry_count: number
  readonly data: JobData
  readonly output: JobOutput | null
  readonly started_ms: number | null
  readonly ended_ms: number | null
  readonly progress: string | null
}

const states = {
  created: 'queued',
  retry: 'queued',
  active: 'processing',
  completed: 'completed',
  cancelled: 'cancelled',
  failed: 'failed',
} as const satisfies Record<JobRow['state'], TaskState>

// Far beyond any task: pg-boss would delete what is queued for longer, and end what runs for longer.
const neverSeconds = 2_000_000_000

/** A task as pg-boss inserts it. */
export function jobOf(task: NewTask, uuid: string): Record<string, unknown> {
  const { input, maxAttempts, resultTtlMs, deadLetterTtlMs } = task
  const enqueuedMs = Date.now()
  const data: JobData = { input, enqueuedMs, base: 0, maxAttempts, resultTtlMs, deadLetterTtlMs }
  return {
    id: uuid,
    data,
    priority: task.priority,
    singletonKey: keyOf(task, uuid),
    startAfter: `${Math.ceil(task.delayMs)} milliseconds`,
    retryLimit: maxAttempts - 1,
    deleteAfterSeconds: keepSeconds(resultTtlMs),
    retentionSeconds: neverSeconds,
    expireInSeconds: neverSeconds,
  }
}

/** The queue lets one job of a key be in force, so a task without a key has one of its own. */
export function keyOf({ uniqueKey }: NewTask, uuid: string): string {
  // As JSON it has no NUL, which PostgreSQL refuses, and can be taken for no UUID.
  return uniqueKey === undefined ? uuid : JSON.stringify(uniqueKey)
}

/** pg-boss deletes by whole seconds, and never at 0. */
export function keepSeconds(ttlMs: number): number {
  return Math.min(neverSeconds, Math.max(1, Math.ceil(ttlMs / 1_000)))
}

export function attemptOf(retryCount: number, { base }: JobData): number {
  return retryCount - base + 1
}

/** Undefined for a task whose time to be kept is over: pg-boss sweeps once in a while. */
export function recordOf(row: JobRow, nowMs: number): TaskRecord | undefined {
  const { name, data, output, ended_ms: endedMs } = row
  const state = states[row.state]
  const ttlMs = state === 'failed' ? data.deadLetterTtlMs : data.resultTtlMs
  if (endedMs !== null && endedMs + ttlMs <= nowMs) return undefined
  const attempts = row.started_ms === null ? 0 : attemptOf(row.retry_count, data)
  return {
    id: writeTaskId({ name, uuid: row.id }),
    name,
    state,
    input: data.input,
    attempts,
    progress: row.progress ?? undefined,
    result: output?.result,
    error: output?.error === undefined ? undefined : (JSON.parse(output.error) as TaskFailure),
    enqueuedMs: data.enqueuedMs,
    startedMs: attempts === 0 ? undefined : (row.started_ms ?? undefined),
    endedMs: endedMs ?? undefined,
  }
}
