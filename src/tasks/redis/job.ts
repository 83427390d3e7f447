import type { JobsOptions } from 'bullmq'
import type { RedisReply } from '../../core/index.ts'
import type { NewTask, TaskFailure, TaskRecord, TaskState } from '../engine.ts'
import { cancelledReason, progressField } from './scripts.ts'
import { writeTaskId, type TaskId } from '../task-id.ts'

/** What is in the `data` of a BullMQ job. */
export interface RedisJobData {
  /** JSON. */
  readonly input: string
  readonly maxAttempts: number
  readonly resultTtlMs: number
  readonly deadLetterTtlMs: number
  /** Attempts that BullMQ has counted and that do not count. */
  readonly handedBack: number
}

/** The backoff that takes the delay from the error: see `RedisWork`. */
export const backoffType = 'hotpath'

const leastPriority = 1_001

export function dataOf(task: NewTask): RedisJobData {
  const { input, maxAttempts, resultTtlMs, deadLetterTtlMs } = task
  return { input, maxAttempts, resultTtlMs, deadLetterTtlMs, handedBack: 0 }
}

/** What BullMQ has to know of a task that waits; little, because each option is packed and parsed. */
export function jobOptionsOf({ uniqueKey, delayMs, priority }: NewTask, uuid: string): JobsOptions {
  return {
    jobId: uuid,
    // BullMQ begins with 1, and with those that have no priority before.
    priority: leastPriority - priority,
    ...(delayMs > 0 && { delay: Math.ceil(delayMs) }),
    ...(uniqueKey !== undefined && { deduplication: { id: uniqueKey } }),
  }
}

/** What it has to know when an attempt has ended. */
export function endOptionsOf({ resultTtlMs, deadLetterTtlMs }: RedisJobData): JobsOptions {
  return {
    // Whether to try again, and when, says the outcome of the attempt.
    attempts: 1_000_000,
    backoff: { type: backoffType },
    stackTraceLimit: 1,
    removeOnComplete: { age: keepSeconds(resultTtlMs) },
    removeOnFail: { age: keepSeconds(deadLetterTtlMs) },
  }
}

/** BullMQ removes by whole seconds. */
function keepSeconds(ttlMs: number): number {
  return Math.max(1, Math.ceil(ttlMs / 1_000))
}

/** Reads what `findScript` answers. Undefined where there is none, or its time to be kept is over. */
export function readJob(
  { name, uuid }: TaskId,
  reply: RedisReply,
  nowMs: number,
): { record: TaskRecord; data: RedisJobData } | undefined {
  if (!Array.isArray(reply)) return undefined
  const [isActive, ...pairs] = reply
  const fields = new Map<string, string>()
  for (let at = 0; at < pairs.length; at += 2) fields.set(String(pairs[at]), String(pairs[at + 1]))
  const data = JSON.parse(fields.get('data') ?? '{}') as RedisJobData

  const state = stateOf(fields, isActive === 1)
  const endedMs = numberOf(fields, 'finishedOn')
  const ttlMs = state === 'failed' ? data.deadLetterTtlMs : data.resultTtlMs
  if (endedMs !== undefined && endedMs + ttlMs <= nowMs) return undefined
  const attempts = (numberOf(fields, 'ats') ?? 0) - data.handedBack
  const reason = fields.get('failedReason')
  const record: TaskRecord = {
    id: writeTaskId({ name, uuid }),
    name,
    state,
    input: data.input,
    attempts,
    progress: fields.get(progressField),
    result: resultOf(fields.get('returnvalue')),
    error: state === 'cancelled' || state === 'completed' ? undefined : readFailure(reason),
    enqueuedMs: numberOf(fields, 'timestamp') ?? 0,
    startedMs: attempts === 0 ? undefined : numberOf(fields, 'processedOn'),
    endedMs,
  }
  return { record, data }
}

function stateOf(fields: ReadonlyMap<string, string>, isActive: boolean): TaskState {
  if (!fields.has('finishedOn')) return isActive ? 'processing' : 'queued'
  if (fields.has('returnvalue')) return 'completed'
  return fields.get('failedReason') === cancelledReason ? 'cancelled' : 'failed'
}

function numberOf(fields: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = fields.get(name)
  return text === undefined ? undefined : Number(text)
}

function resultOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : ((JSON.parse(text) as string | null) ?? undefined)
}

function readFailure(reason: string | undefined): TaskFailure | undefined {
  if (reason === undefined || reason === '') return undefined
  try {
    return JSON.parse(reason) as TaskFailure
  } catch {
    // A reason of BullMQ's own.
    return { name: 'Error', message: reason, code: undefined, stack: undefined }
  }
}
