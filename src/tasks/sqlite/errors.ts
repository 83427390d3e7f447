import { HotpathError } from '../../core/index.ts'
import type { StoreError } from './protocol.ts'

/** An error as the other side of the thread can be told of it. */
export function describe(error: unknown): StoreError {
  const { message, stack, errcode } = error as Error & { errcode?: number }
  return { message, sqliteCode: errcode === undefined ? undefined : errcode & 0xff, stack }
}

/** What went wrong with the file, in words; the error of SQLite is the cause. */
export function storeFailed(
  what: 'refused' | 'cannot be opened',
  file: string,
  { message, sqliteCode, stack }: StoreError,
): HotpathError {
  const cause = Object.assign(new Error(message), { sqliteCode })
  if (stack !== undefined) cause.stack = stack
  const { reason, advice } = explanations[sqliteCode ?? -1] ?? {
    reason: message,
    advice: 'see the cause',
  }
  const effect = what === 'refused' ? 'nothing of this was stored' : 'nothing can be stored'
  return new HotpathError(
    'HOTPATH_TASKS_STORE_FAILED',
    `the task store ${file} ${what === 'refused' ? 'refused to write' : what}: ${reason}; ${effect}. What to do: ${advice}`,
    { cause },
  )
}

/** What a call rejects with that was under way when the thread ended. */
export function threadEnded(file: string, cause: Error | undefined): HotpathError {
  return new HotpathError(
    'HOTPATH_TASKS_STORE_FAILED',
    `the thread of the task store ${file} has ended: ${cause?.message ?? 'it was stopped'}; what was under way may be stored or not, what was acknowledged is. What to do: it is started again, so ask for the status, or enqueue again with a uniqueKey`,
    { cause },
  )
}

/** The thread has ended so often that it is not started again. */
export function threadBroken(file: string, deaths: number, cause: unknown): HotpathError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new HotpathError(
    'HOTPATH_TASKS_STORE_FAILED',
    `the task store ${file} is broken: its thread has ended ${deaths} times in a row, the last time because: ${reason}; nothing can be stored, what was acknowledged is in the file. What to do: see the cause, then start the process again`,
    { cause },
  )
}

// By the primary result codes of SQLite: https://www.sqlite.org/rescode.html
const explanations: Record<number, { reason: string; advice: string }> = {
  5: {
    reason: 'another process held its lock for too long',
    advice: 'look for a long transaction, or a frozen process, that has the file open',
  },
  8: {
    reason: 'it may not be written to',
    advice: 'give the process write access to the file and its folder',
  },
  10: {
    reason: 'the disk failed to read or write',
    advice: 'look at the disk and at the log of the system',
  },
  11: {
    reason: 'the file is damaged',
    advice: 'restore it from a backup, or save what can be read with `sqlite3 FILE .recover`',
  },
  13: { reason: 'the disk is full', advice: 'make room, then try again' },
  14: {
    reason: 'the file cannot be opened or created',
    advice: 'look whether its folder exists and may be written to',
  },
  26: {
    reason: 'the file is no SQLite database, or is damaged',
    advice: 'give the path of another file, or restore it from a backup',
  },
}
