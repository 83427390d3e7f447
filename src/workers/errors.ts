import { HotpathError } from '../core/index.ts'
import type { Outcome, ThrownError } from './protocol.ts'

export function moduleInvalid(problem: string, cause?: unknown): HotpathError {
  return new HotpathError('HOTPATH_WORKERS_MODULE_INVALID', problem, { cause })
}

export function moduleFailed(moduleUrl: string, cause: unknown): HotpathError {
  return moduleInvalid(
    `${moduleUrl} could not be loaded in a worker thread: ${messageOf(cause)}; ` +
      'import it in the main thread to see where it fails',
    cause,
  )
}

/** What a call rejects with whose function did not return. */
export function answerError(
  moduleUrl: string,
  name: string,
  outcome: Outcome,
  value: unknown,
): unknown {
  if (outcome === 'unknown') return noSuchFunction(moduleUrl, name, value as string[])
  if (outcome === 'uncloneable') return resultInvalid(name, value as string)
  const { error, properties } = value as ThrownError
  return error instanceof Error ? Object.assign(error, properties) : error
}

function noSuchFunction(moduleUrl: string, name: string, known: readonly string[]): HotpathError {
  const has = known.length === 0 ? 'it exports no function' : `it exports ${known.join(', ')}`
  return moduleInvalid(`${moduleUrl} exports no function "${name}"; ${has}`)
}

export function inputInvalid(name: string, cause: unknown): HotpathError {
  return new HotpathError(
    'HOTPATH_WORKERS_VALUE_INVALID',
    `the input of ${name}() cannot be sent to a worker thread: ${messageOf(cause)}; ` +
      'pass plain data (functions, promises and open handles stay where they are)',
    { cause },
  )
}

function resultInvalid(name: string, problem: string): HotpathError {
  return new HotpathError(
    'HOTPATH_WORKERS_VALUE_INVALID',
    `the result of ${name}() cannot be sent from its worker thread: ${problem}; ` +
      'return plain data',
  )
}

export function queueFull(workers: string, queueLimit: number, threads: number): HotpathError {
  return new HotpathError(
    'HOTPATH_WORKERS_QUEUE_FULL',
    `${queueLimit} calls wait already for the ${threads} threads of "${workers}"; ` +
      'call less often, answer 503, or raise maxThreads or queueLimit',
  )
}

export function timedOut(name: string, timeoutMs: number, hasBegun: boolean): HotpathError {
  return new HotpathError(
    'HOTPATH_WORKERS_TIMEOUT',
    hasBegun
      ? `${name}() was not done after ${timeoutMs} ms, and its thread was stopped; ` +
          'give it less to do, or a longer timeoutMs'
      : `${name}() had not begun after ${timeoutMs} ms, because all threads were busy; ` +
          'raise maxThreads, lower queueLimit, or give it a longer timeoutMs',
  )
}

export function outOfMemory(
  name: string,
  memoryLimitBytes: number | false,
  cause: unknown,
): HotpathError {
  const limit =
    memoryLimitBytes === false
      ? "Node's limit"
      : `memoryLimitBytes (${Math.round(memoryLimitBytes / 2 ** 20)} MiB)`
  return new HotpathError(
    'HOTPATH_WORKERS_OUT_OF_MEMORY',
    `${name}() needed more memory than ${limit} allows its thread, which was stopped; ` +
      'give it less at once, or raise memoryLimitBytes',
    { cause },
  )
}

export function threadDied(name: string, cause: unknown): HotpathError {
  return new HotpathError(
    'HOTPATH_WORKERS_THREAD_DIED',
    `the thread of ${name}() ended before it was done: ${messageOf(cause)}; ` +
      'look for process.exit() and for errors outside the promise that it returns',
    { cause },
  )
}

export function workersClosed(name: string): HotpathError {
  return new HotpathError(
    'HOTPATH_COMPONENT_CLOSED',
    `the workers "${name}" have been closed; make new ones, or close them later`,
  )
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
