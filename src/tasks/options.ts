import {
  invalid,
  knownOptions,
  nonEmptyString,
  positiveInteger,
  systemClock,
  timerMs,
  type Clock,
} from '../core/index.ts'
import type { TaskEngine } from './engine.ts'

/** Options of `createTasks`. */
export interface TasksOptions<EnqueueTransaction = unknown, HandlerTransaction = unknown> {
  /** `sqliteEngine({ file })`, `postgresEngine({ pool })` or `redisEngine({ url })`. */
  engine: TaskEngine<EnqueueTransaction, HandlerTransaction>
  /**
   * Names it in statistics and events.
   *
   * @defaultValue 'tasks'
   */
  name?: string | undefined
  /**
   * The largest input, as JSON.
   *
   * @defaultValue 1_048_576
   */
  maxInputBytes?: number | undefined
  /**
   * The largest result, as JSON.
   *
   * @defaultValue 1_048_576
   */
  maxResultBytes?: number | undefined
  /**
   * How long `close()` lets tasks run before it hands them back.
   *
   * @defaultValue 10_000
   */
  drainTimeoutMs?: number | undefined
  /** @defaultValue the system's */
  clock?: Clock | undefined
}

export interface ResolvedTasksOptions {
  readonly engine: TaskEngine
  readonly name: string
  readonly maxInputBytes: number
  readonly maxResultBytes: number
  readonly drainTimeoutMs: number
  readonly clock: Clock
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveTasksOptions(options: TasksOptions): ResolvedTasksOptions {
  knownOptions('createTasks', options, [
    'engine',
    'name',
    'maxInputBytes',
    'maxResultBytes',
    'drainTimeoutMs',
    'clock',
  ])
  const { engine, name = 'tasks', drainTimeoutMs = 10_000, clock = systemClock } = options
  const { maxInputBytes = 1_048_576, maxResultBytes = 1_048_576 } = options
  if (typeof engine?.enqueue !== 'function') {
    invalid('engine', 'an engine, such as sqliteEngine({ file })', engine)
  }
  return {
    engine,
    name: nonEmptyString('name', name),
    maxInputBytes: positiveInteger('maxInputBytes', maxInputBytes),
    maxResultBytes: positiveInteger('maxResultBytes', maxResultBytes),
    drainTimeoutMs: timerMs('drainTimeoutMs', drainTimeoutMs),
    clock,
  }
}
