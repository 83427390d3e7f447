import { availableParallelism } from 'node:os'
import {
  invalid,
  knownOptions,
  nonEmptyString,
  nonNegativeInteger,
  positiveInteger,
  systemClock,
  timerMs,
  timerMsOrOff,
  type Clock,
} from '../core/index.ts'

/** How many threads {@link createWorkers} keeps, and what a call may take. */
export interface WorkersOptions {
  /**
   * Names the workers in `stats()` and in events.
   *
   * @defaultValue 'workers'
   */
  name?: string | undefined
  /**
   * Threads that are started at once, with the module loaded, and kept. A thread takes some 40 ms to
   * start and 10 MB.
   *
   * @defaultValue 1
   */
  minThreads?: number | undefined
  /**
   * The most threads. More than there are cores to spare gains nothing: each call runs on the CPU.
   *
   * @defaultValue the cores of the machine but one, which the event loop needs; at least `minThreads`
   */
  maxThreads?: number | undefined
  /**
   * How many calls may wait while every thread is busy. It bounds the memory that their inputs hold.
   *
   * @defaultValue 1_000
   */
  queueLimit?: number | undefined
  /**
   * The longest, in milliseconds, that a call may take, its wait for a thread included. One that runs
   * then has its thread stopped, even in an endless loop. `false` lets calls run for ever.
   *
   * @defaultValue 30_000
   */
  timeoutMs?: number | false | undefined
  /**
   * The most that the JavaScript heap of one thread may hold, in bytes. A call that needs more fails,
   * and no other does. ArrayBuffers live outside this heap. `false` leaves it to Node.
   *
   * @defaultValue 512 MiB
   */
  memoryLimitBytes?: number | false | undefined
  /**
   * After so many milliseconds without work, threads beyond `minThreads` are ended.
   *
   * @defaultValue 30_000
   */
  maxIdleMs?: number | undefined
  /**
   * How long, in milliseconds, `close()` waits for calls that were made before it.
   *
   * @defaultValue 10_000
   */
  drainTimeoutMs?: number | undefined
  /** @defaultValue the real time */
  clock?: Clock | undefined
}

/** {@link WorkersOptions}, complete and checked. */
export interface ResolvedWorkersOptions {
  readonly name: string
  readonly minThreads: number
  readonly maxThreads: number
  readonly queueLimit: number
  readonly timeoutMs: number | false
  readonly memoryLimitBytes: number | false
  readonly maxIdleMs: number
  readonly drainTimeoutMs: number
  readonly clock: Clock
}

const optionNames: readonly (keyof WorkersOptions)[] = [
  'name',
  'minThreads',
  'maxThreads',
  'queueLimit',
  'timeoutMs',
  'memoryLimitBytes',
  'maxIdleMs',
  'drainTimeoutMs',
  'clock',
]

/** Below this a thread cannot even start. */
const leastMemoryBytes = 16 * 2 ** 20

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveWorkersOptions(options: WorkersOptions): ResolvedWorkersOptions {
  knownOptions('createWorkers', options, optionNames)
  const { memoryLimitBytes = 512 * 2 ** 20, queueLimit = 1_000 } = options
  if (memoryLimitBytes !== false) {
    positiveInteger('memoryLimitBytes', memoryLimitBytes)
    if (memoryLimitBytes < leastMemoryBytes) {
      invalid('memoryLimitBytes', `at least ${leastMemoryBytes} (16 MiB)`, memoryLimitBytes)
    }
  }
  return {
    name: nonEmptyString('name', options.name ?? 'workers'),
    ...resolveThreads(options),
    queueLimit: nonNegativeInteger('queueLimit', queueLimit),
    timeoutMs: timerMsOrOff('timeoutMs', options.timeoutMs ?? 30_000),
    memoryLimitBytes,
    maxIdleMs: timerMs('maxIdleMs', options.maxIdleMs ?? 30_000),
    drainTimeoutMs: timerMs('drainTimeoutMs', options.drainTimeoutMs ?? 10_000),
    clock: options.clock ?? systemClock,
  }
}

function resolveThreads(options: WorkersOptions): { minThreads: number; maxThreads: number } {
  const spare = Math.max(1, availableParallelism() - 1)
  const minThreads = nonNegativeInteger('minThreads', options.minThreads ?? 1)
  const maxThreads = positiveInteger(
    'maxThreads',
    options.maxThreads ?? Math.max(spare, minThreads),
  )
  if (minThreads > maxThreads) {
    invalid('minThreads', `at most maxThreads (${maxThreads})`, minThreads)
  }
  return { minThreads, maxThreads }
}
