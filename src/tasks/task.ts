import type { TaskDefinition, ThreadTaskDefinition } from './definition.ts'
import type { TaskStatus } from './status.ts'
import type { StandardSchema } from './schema.ts'

/** How one task is enqueued. */
export interface EnqueueOptions<Transaction = unknown> {
  /**
   * How long to wait before it may begin.
   *
   * @defaultValue 0
   */
  delayMs?: number | undefined
  /**
   * 0 to 1,000: the larger run first.
   *
   * @defaultValue the definition's
   */
  priority?: number | undefined
  /**
   * Among the tasks of a name at most one with this key is queued or processing: when there is one, its
   * id is returned, and nothing is stored. 500 characters at most.
   *
   * @defaultValue what the definition's `uniqueBy` makes of the input
   */
  uniqueKey?: string | undefined
  /**
   * Stores the task in a transaction of yours: it is there when that commits, and never if it is
   * rolled back. What a transaction is depends on the engine.
   */
  transaction?: Transaction | undefined
}

/** A task that was enqueued. */
export interface EnqueuedTask {
  /** Nobody can guess it; it may stand in a URL. */
  readonly id: string
  /** False where a task with the same unique key is in force: `id` is its. */
  readonly isNew: boolean
}

/** How long {@link Tasks.wait} waits. */
export interface WaitOptions {
  /** @defaultValue 30_000 */
  timeoutMs?: number | false | undefined
  signal?: AbortSignal | undefined
}

/** When a schedule is due. */
export interface ScheduleOptions<Input = unknown> {
  input?: Input | undefined
  /**
   * An IANA time zone, such as `Europe/Berlin`.
   *
   * @defaultValue 'UTC'
   */
  timeZone?: string | undefined
  /**
   * Tells two schedules of one task apart.
   *
   * @defaultValue the task's name
   */
  key?: string | undefined
}

/** A task that is defined: enqueues with the types of its definition. */
export interface Task<Input, Result, Transaction = unknown> {
  readonly name: string
  /** See {@link Tasks.enqueue}. */
  enqueue(input: Input, options?: EnqueueOptions<Transaction>): Promise<EnqueuedTask>
  /** See {@link Tasks.status}. */
  status(id: string): Promise<TaskStatus<Result> | undefined>
  /** See {@link Tasks.wait}. */
  wait(id: string, options?: WaitOptions): Promise<TaskStatus<Result> | undefined>
  /** See {@link Tasks.schedule}. */
  schedule(cron: string, options?: ScheduleOptions<Input>): () => void
}

/** A task that failed for good. */
export interface DeadLetter {
  readonly id: string
  readonly name: string
  readonly input: unknown
  readonly attempts: number
  readonly error: {
    readonly name: string
    readonly message: string
    readonly code: string | undefined
  }
  readonly enqueuedMs: number
  readonly endedMs: number
}

/** What {@link Tasks.stats} tells of this process. */
export interface TasksStats {
  /** `sqlite`, `postgres` or `redis`. */
  readonly engine: string
  readonly enqueued: number
  /** Attempts that run now. */
  readonly running: number
  readonly completed: number
  /** Attempts that failed and are tried again. */
  readonly retried: number
  /** Tasks that failed for good. */
  readonly failed: number
  /** Attempts whose outcome was refused: another worker had taken over, or the task was cancelled. */
  readonly fenced: number
  /** Attempts handed back when the process closed. */
  readonly handedBack: number
  /** Handlers that go on although their attempt has ended: they do not listen to their signal. */
  readonly abandoned: number
  /** What went wrong in the background; see the channel `hotpath:tasks:trouble`. */
  readonly troubles: number
}

/** Background tasks over an engine. Made by `createTasks`. */
export interface Tasks<EnqueueTransaction = unknown, HandlerTransaction = unknown> {
  readonly name: string
  /**
   * Says what a task does. A process that enqueues it needs its definition, and so does one that runs
   * it; all of them before `start()`.
   *
   * @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_TASKS_UNSUPPORTED
   */
  define<Input, Parsed, Result>(
    name: string,
    definition: TaskDefinition<Input, Parsed, Result, HandlerTransaction> & {
      input: StandardSchema<Input, Parsed>
    },
  ): Task<Input, Awaited<Result>, EnqueueTransaction>
  define<Input, Result>(
    name: string,
    definition: TaskDefinition<Input, Input, Result, HandlerTransaction> & { input?: undefined },
  ): Task<Input, Awaited<Result>, EnqueueTransaction>
  define<Input = unknown, Result = unknown>(
    name: string,
    definition: ThreadTaskDefinition<Input, Input, Result>,
  ): Task<Input, Result, EnqueueTransaction>
  /**
   * Begins to run tasks in this process, and its schedules. One that only enqueues does not call it.
   *
   * @throws HotpathError HOTPATH_TASKS_STORE_FAILED, and HOTPATH_WORKERS_MODULE_INVALID where the module of
   * a task with `thread: true` is missing, does not load or lacks the function
   */
  start(): Promise<void>
  /**
   * Stores a task and resolves when it is durable.
   *
   * @throws HotpathError HOTPATH_TASKS_UNKNOWN_TASK, HOTPATH_TASKS_INPUT_INVALID,
   * HOTPATH_TASKS_STORE_FAILED, HOTPATH_TASKS_UNSUPPORTED, HOTPATH_OPTION_INVALID,
   * HOTPATH_COMPONENT_CLOSED
   */
  enqueue(
    name: string,
    input?: unknown,
    options?: EnqueueOptions<EnqueueTransaction>,
  ): Promise<EnqueuedTask>
  /**
   * How far a task is; undefined where there is no such task, or no longer.
   *
   * @throws HotpathError HOTPATH_TASKS_STORE_FAILED
   */
  status(id: string): Promise<TaskStatus | undefined>
  /**
   * Ends a task, queued or running, in this process or another: true if this call has ended it. The
   * signal of its handler is aborted; what the handler still returns is not stored.
   *
   * @throws HotpathError HOTPATH_TASKS_STORE_FAILED
   */
  cancel(id: string): Promise<boolean>
  /**
   * Waits for a task to end, and resolves to its status then; to the status as it is when `timeoutMs`
   * have passed; to undefined where there is no such task. Rejects with the signal's reason.
   *
   * @throws HotpathError HOTPATH_TASKS_STORE_FAILED
   */
  wait(id: string, options?: WaitOptions): Promise<TaskStatus | undefined>
  /**
   * Enqueues a task whenever a cron pattern is due, once over all processes that have started. Moments
   * at which no process ran are not made up for. The function that is returned ends the schedule in
   * this process.
   *
   * @param cron five fields, or six with seconds first; https://github.com/hexagon/croner
   * @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_TASKS_UNKNOWN_TASK
   */
  schedule(name: string, cron: string, options?: ScheduleOptions): () => void
  /** Tasks that failed for good, the latest first: 100 of them, or `limit`. */
  deadLetters(query?: {
    name?: string | undefined
    limit?: number | undefined
  }): Promise<DeadLetter[]>
  /**
   * Queues a dead letter again, under its id and with all its attempts: false if it is none, or if a
   * task with its unique key is in force.
   */
  replay(id: string): Promise<boolean>
  stats(): TasksStats
  /**
   * Stops: nothing is begun any more; what runs may end within `drainTimeoutMs`, and is handed back after.
   * Then the engine is closed.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
