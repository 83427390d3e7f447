import type * as BullMQ from 'bullmq'
import type { JobsOptions } from 'bullmq'
import type { RedisReply } from '../../core/index.ts'
import type { NewTask, TaskFailure, TaskRecord, TaskState } from '../engine.ts'
import { cancelledReason, progressField } from './scripts.ts'
import { writeTaskId, type TaskId } from '../task-id.ts'

/**
 * What is in the `data` of a BullMQ job: the input as JSON, and last the attempts that BullMQ has counted
 * and that do not count. Without names, and with no option that need not be stored: Redis keeps a job in
 * its compact form, in which each of its commands is cheaper, as long as no field is longer than 64 bytes.
 */
export type RedisJobData = readonly [
  input: string,
  maxAttempts: number,
  resultTtlMs: number,
  deadLetterTtlMs: number,
  handedBack: number,
]

/** A job of BullMQ that is a task. */
export type TaskJob = BullMQ.Job<RedisJobData, string | null>

/** The queue of BullMQ. */
export type TaskQueue = BullMQ.Queue<RedisJobData, string | null>

/** The backoff that takes the delay from the error: see `RedisWork`. */
export const backoffType = 'hotpath'

const leastPriority = 1_001

/** A queue that has its connection. */
export interface OpenQueue {
  readonly bullmq: typeof BullMQ
  readonly queue: TaskQueue
  readonly client: BullMQ.IRedisClient
}

/** Adds a task: the uuid of what is stored. */
export function addJob(
  { bullmq, queue, client }: OpenQueue,
  task: NewTask,
  uuid: string,
  transaction?: BullMQ.IRedisTransaction,
): Promise<string> {
  const { name, input, maxAttempts, resultTtlMs, deadLetterTtlMs } = task
  const data: RedisJobData = [input, maxAttempts, resultTtlMs, deadLetterTtlMs, 0]
  // `queue.add` would store the id once more, among the options.
  const job = new bullmq.Job(queue, name, data, jobOptionsOf(task), uuid)
  return job.addJob(transaction ?? client)
}

/** What BullMQ has to know of a task that waits; little, because each option is packed and parsed. */
function jobOptionsOf({ uniqueKey, delayMs, priority }: NewTask): JobsOptions {
  return {
    // BullMQ begins with 1, and with those that have no priority before.
    priority: leastPriority - priority,
    ...(delayMs > 0 && { delay: Math.ceil(delayMs) }),
    ...(uniqueKey !== undefined && { deduplication: { id: uniqueKey } }),
  }
}

/** What it has to know when an attempt has ended. */
export function endOptionsOf([, , resultTtlMs, deadLetterTtlMs]: RedisJobData): JobsOptions {
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
  const data = JSON.parse(fields.get('data') ?? '[]') as RedisJobData
  const [input, , resultTtlMs, deadLetterTtlMs, handedBack] = data

  const state = stateOf(fields, isActive === 1)
  const endedMs = numberOf(fields, 'finishedOn')
  const ttlMs = state === 'failed' ? deadLetterTtlMs : resultTtlMs
  if (endedMs !== undefined && endedMs + ttlMs <= nowMs) return undefined
  const attempts = (numberOf(fields, 'ats') ?? 0) - handedBack
  const reason = fields.get('failedReason')
  const record: TaskRecord = {
    id: writeTaskId({ name, uuid }),
    name,
    state,
    input,
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
