import { createHash } from 'node:crypto'
import type { ReadyAnswer } from './answer.ts'
import { matchesEntityTag } from './conditional.ts'
import { problemAnswer } from './problem.ts'
import type { ServedTask } from './task-options.ts'

/** A client is asked to come again after so many seconds, while a task is not over. */
const retryAfterSeconds = '1'

/** Whether nothing more becomes of a task. */
export function isEnded({ state }: ServedTask): boolean {
  return state !== 'queued' && state !== 'processing'
}

/** A task as clients see it. Of an error they see the message and the code, and not the stack. */
export function taskJson(task: ServedTask): string {
  const { id, name, state, attempts, progress, result, error } = task
  return JSON.stringify({
    id,
    name,
    state,
    attempts,
    progress,
    result,
    error: error && { message: error.message, code: error.code },
    enqueuedAt: isoTime(task.enqueuedMs),
    startedAt: isoTime(task.startedMs),
    endedAt: isoTime(task.endedMs),
  })
}

/** 202: the task is stored, and this is where to ask for it (RFC 9110, 15.3.3). */
export function acceptedAnswer(location: string, id: string): ReadyAnswer {
  const body = JSON.stringify({ id, status: location, events: `${location}/events` })
  const head = ['location', location, 'retry-after', retryAfterSeconds, ...jsonHead(body)]
  return { status: 202, head, body }
}

/** The status of a task, or a 304 where the client has it. */
export function statusAnswer(task: ServedTask, ifNoneMatch: string | undefined): ReadyAnswer {
  const body = taskJson(task)
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  // It may be about one user, and it changes: whoever keeps it asks before it is used again.
  const head = ['etag', etag, 'cache-control', 'private, no-cache']
  if (!isEnded(task)) head.push('retry-after', retryAfterSeconds)
  if (ifNoneMatch !== undefined && matchesEntityTag(ifNoneMatch, etag)) {
    return { status: 304, head, body: undefined }
  }
  return { status: 200, head: [...head, ...jsonHead(body)], body }
}

export function unknownTask(): ReadyAnswer {
  return problemAnswer(404, 'Not Found', 'there is no such task, or it is over for too long')
}

export function forbiddenTask(): ReadyAnswer {
  return problemAnswer(403, 'Forbidden', 'this task is somebody else’s')
}

export function endedTask({ state }: ServedTask): ReadyAnswer {
  return problemAnswer(409, 'Conflict', `the task is ${state} already and cannot be cancelled`)
}

export function wrongMethod(allowed: string): ReadyAnswer {
  const detail = `this path knows ${allowed}`
  return problemAnswer(405, 'Method Not Allowed', detail, ['allow', allowed])
}

export function tooManyListeners(): ReadyAnswer {
  const detail = 'too many listen to events already; ask for the status instead'
  return problemAnswer(503, 'Service Unavailable', detail, ['retry-after', '5'])
}

function jsonHead(body: string): string[] {
  const length = String(Buffer.byteLength(body))
  return ['content-type', 'application/json', 'content-length', length]
}

function isoTime(epochMs: number | undefined): string | undefined {
  return epochMs === undefined ? undefined : new Date(epochMs).toISOString()
}
