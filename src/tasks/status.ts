import type { TaskFailure, TaskRecord } from './engine.ts'

/** How far a task is; branch on `state`. */
export type TaskStatus<Result = unknown> =
  | (StatusBase & {
      readonly state: 'queued'
      /** Why the last attempt failed, of a task that waits to be tried again. */
      readonly error: TaskFailure | undefined
    })
  | (StatusBase & {
      readonly state: 'processing'
      readonly startedMs: number
      /** Why the attempt before this one failed. */
      readonly error: TaskFailure | undefined
    })
  | (StatusBase & {
      readonly state: 'completed'
      readonly startedMs: number
      readonly endedMs: number
      readonly result: Result
    })
  | (StatusBase & {
      readonly state: 'failed'
      readonly endedMs: number
      readonly error: TaskFailure
    })
  | (StatusBase & { readonly state: 'cancelled'; readonly endedMs: number })

/** What is known of a task in every state. Times are in milliseconds since 1970. */
export interface StatusBase {
  readonly id: string
  readonly name: string
  /** How often it was begun. */
  readonly attempts: number
  /** The last that its handler told of, whatever it tells. */
  readonly progress: unknown
  readonly enqueuedMs: number
  /** When the last attempt began; undefined before the first. */
  readonly startedMs: number | undefined
}

/** The status of a task as it stands in the store. */
export function toStatus<Result>(record: TaskRecord): TaskStatus<Result> {
  const { id, name, attempts, enqueuedMs, startedMs } = record
  const base = { id, name, attempts, progress: parse(record.progress), enqueuedMs, startedMs }
  const endedMs = record.endedMs ?? enqueuedMs
  switch (record.state) {
    case 'queued':
      return { ...base, state: 'queued', error: record.error }
    case 'processing':
      return {
        ...base,
        state: 'processing',
        startedMs: startedMs ?? enqueuedMs,
        error: record.error,
      }
    case 'completed': {
      const result = parse(record.result) as Result
      return { ...base, state: 'completed', startedMs: startedMs ?? enqueuedMs, endedMs, result }
    }
    case 'failed':
      return { ...base, state: 'failed', endedMs, error: record.error ?? noReason }
    case 'cancelled':
      return { ...base, state: 'cancelled', endedMs }
  }
}

/** Whether a status is the last. */
export function isEnded({ state }: TaskStatus): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled'
}

const noReason: TaskFailure = {
  name: 'Error',
  message: 'the store has kept no reason',
  code: undefined,
  stack: undefined,
}

function parse(json: string | undefined): unknown {
  return json === undefined ? undefined : (JSON.parse(json) as unknown)
}
