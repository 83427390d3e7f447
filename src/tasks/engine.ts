import type { HotpathError } from '../core/index.ts'

/**
 * Where tasks are stored and who runs them: the contract between the facade (`createTasks`) and an
 * engine. The engine owns storing, claiming, the lease and its heartbeat, fencing, the delays of
 * retries, unique keys, the time that ended tasks are kept, and dead letters. The facade owns
 * everything that a task means: validation, JSON, time limits, handlers, events.
 *
 * Two type parameters say what a transaction is for it: what `enqueue` takes from the caller, and
 * what a transactional handler is given. `never` where it has none.
 *
 * What every engine keeps (`test/conformance/tasks.ts` holds all of them to it):
 *
 * - `enqueue` resolves only when the task is as durable as the store's settings make it.
 * - An attempt that is under way holds a lease, which its process renews. When the process dies or
 *   freezes the lease runs out, and the task is given to another worker as a new attempt.
 * - Fencing: once an attempt has lost its lease, or its task was cancelled, nothing that it does
 *   changes the task any more: no completion, no failure, no progress.
 * - A task ends once: `completed`, `failed` or `cancelled`, and never leaves that state, other than
 *   by `replay`.
 */
export interface TaskEngine<EnqueueTransaction = unknown, HandlerTransaction = unknown> {
  /** `sqlite`, `postgres` or `redis`: for messages and statistics. */
  readonly kind: string
  /** What may be asked of it; the facade refuses the rest with HOTPATH_TASKS_UNSUPPORTED. */
  readonly abilities: TaskAbilities

  /**
   * Connects and creates what is missing in the store. The facade calls it once, before anything
   * else, and again after it has rejected.
   *
   * @throws HotpathError HOTPATH_TASKS_STORE_FAILED
   */
  open(host: EngineHost): Promise<void>

  /**
   * Stores a task. Rejects rather than waits: a store that does not answer within the engine's own
   * deadline is HOTPATH_TASKS_STORE_FAILED, and its message says whether the task may be stored.
   */
  enqueue(task: NewTask, transaction?: EnqueueTransaction): Promise<Enqueued>

  /** A task that is there or still kept; undefined for an id that is unknown or no id at all. */
  find(id: string): Promise<TaskRecord | undefined>

  /**
   * Ends a task that has not ended, whoever runs it: resolves to its name when this call ended it, else
   * to undefined. From then on its state is `cancelled`, and the process that runs it hears of it within its heartbeat
   * (`Execution.stop('cancelled')`).
   */
  cancel(id: string): Promise<string | undefined>

  /**
   * Begins to claim tasks of one name and to run each by `execute`, at most `concurrency` at a time
   * in this process. Called once for each name.
   */
  work(settings: WorkSettings, execute: Execute<HandlerTransaction>): Promise<Work>

  /** Tasks that failed for good and are kept, the latest end first. */
  deadLetters(query: DeadLetterQuery): Promise<TaskRecord[]>

  /**
   * Queues a dead letter again under its own id, with its attempts counted from 0: false when the
   * task is none, or when another of its unique key is in force.
   */
  replay(id: string): Promise<boolean>

  /** Lets go of the store. All work has been stopped before. Idempotent. */
  close(): Promise<void>
}

/** What not every store can do. Everything else is asked of every engine. */
export interface TaskAbilities {
  /** `enqueue` inside a transaction of the caller. */
  readonly transactionalEnqueue: boolean
  /** Handlers whose effects commit together with the completion: effects exactly once. */
  readonly transactionalHandler: boolean
  readonly rate: boolean
  readonly priority: boolean
}

/** What the facade gives an engine when it opens it. */
export interface EngineHost {
  /** Hears of trouble in the background that no call rejects with: a claim that failed, say. */
  onTrouble(operation: string, error: unknown): void
}

/** A task to store. */
export interface NewTask {
  /** Letters, digits, `_`, `-` and `.`, 100 at most. */
  readonly name: string
  /** JSON. */
  readonly input: string
  readonly delayMs: number
  /** 0 to 1,000; the larger are claimed first, and among equals those that are due for longer. */
  readonly priority: number
  /**
   * Among the tasks of a name at most one with this key is in force, that is queued or processing:
   * `enqueue` returns that one. 1 to 500 characters.
   */
  readonly uniqueKey: string | undefined
  /**
   * When its lease runs out on an attempt of this number or a later one, it is a dead letter with
   * {@link workerLost}; before, it is begun again. One more than the retries, and 4 at least: a process
   * that dies is seldom the fault of its tasks. Whether to try again after a failure says the outcome.
   */
  readonly maxAttempts: number
  /** How long it is kept after it was completed or cancelled. */
  readonly resultTtlMs: number
  /** How long it is kept after it failed for good. */
  readonly deadLetterTtlMs: number
  /** Stored only if no task was yet for this tick of the schedule, or for a later one. */
  readonly tick: ScheduleTick | undefined
}

/** One moment at which a schedule is due. */
export interface ScheduleTick {
  /** Unique among the schedules of a store. */
  readonly schedule: string
  /** Milliseconds since 1970; the same in all processes. */
  readonly atMs: number
}

export interface Enqueued {
  /**
   * Made by the engine: at least 122 random bits, and only characters that need no escape in a URL's
   * path. It may carry the task's name, for an engine that needs it to find the task.
   */
  readonly id: string
  /** False where a task of the same unique key is in force, or the tick was had: `id` is its. */
  readonly isNew: boolean
}

/** What the engine knows of the tasks of a name in order to run them. */
export interface WorkSettings {
  readonly name: string
  /** How many may run at a time in this process. */
  readonly concurrency: number
  /** At most `limit` begin in any `perMs`, over all processes. */
  readonly rate: TaskRate | undefined
  /** Give each attempt a transaction that commits with its completion. */
  readonly transactional: boolean
  /**
   * The longest that an attempt lasts by the facade's own time limit; undefined: no limit. An engine
   * whose store ends attempts by itself has to leave it more than this.
   */
  readonly timeoutMs: number | undefined
}

export interface TaskRate {
  readonly limit: number
  readonly perMs: number
}

/** Begins one attempt. It never throws, and `outcome` never rejects. */
export type Execute<HandlerTransaction = unknown> = (claim: Claim<HandlerTransaction>) => Execution

/** A task that this process may run now. */
export interface Claim<HandlerTransaction = unknown> {
  readonly id: string
  readonly name: string
  /** JSON, as it was enqueued. */
  readonly input: string
  /** 1 for the first; an attempt that was lost counts, one that was handed back does not. */
  readonly attempt: number
  readonly enqueuedMs: number
  /** Where the work is transactional; commits with `completed`, rolled back with everything else. */
  readonly transaction: HandlerTransaction | undefined
  /**
   * Stores how far it is, as JSON. The facade calls it a few times a second at most. It never
   * rejects: an attempt that is fenced, or a store in trouble, lose progress and nothing else.
   */
  progress(value: string): Promise<void>
}

/** An attempt under way. */
export interface Execution {
  readonly outcome: Promise<Outcome>
  /**
   * Asks it to end, because nobody waits for its outcome any more. `outcome` settles soon after,
   * also when the handler does not listen.
   */
  stop(reason: StopReason): void
  /**
   * What became of the outcome: true when it is in the store, false when it was refused there,
   * because the attempt had lost its lease or the task was cancelled. Called once, after `outcome`;
   * whoever waits for the task in this process hears of it by this.
   */
  recorded(isStored: boolean): void
}

/** `cancelled` by a caller; its lease `lost` to another worker; this process `closing`. */
export type StopReason = 'cancelled' | 'lost' | 'closing'

/** How an attempt ended. */
export type Outcome =
  | { readonly state: 'completed'; /** JSON. */ readonly result: string | undefined }
  | {
      readonly state: 'failed'
      readonly error: TaskFailure
      /** When to try again; undefined: never, it is a dead letter now. */
      readonly retryInMs: number | undefined
    }
  /** It was stopped: nothing is to be stored, or, when closing, the task is to be handed back. */
  | { readonly state: 'stopped'; readonly reason: StopReason }

/** An error as it is stored. */
export interface TaskFailure {
  readonly name: string
  readonly message: string
  readonly code: string | undefined
  readonly stack: string | undefined
}

/** The running claims of one name. */
export interface Work {
  /**
   * Claims no more, and resolves when nothing runs: after `deadlineMs` what still runs is stopped
   * (`Execution.stop('closing')`) and handed back, so that another process begins it at once and the
   * attempt does not count. Handed back counts also where a process finds itself with a claim that it
   * has not begun.
   */
  stop(deadlineMs: number): Promise<void>
}

export interface DeadLetterQuery {
  readonly name: string | undefined
  readonly limit: number
}

/** A task as it stands in the store. */
export interface TaskRecord {
  readonly id: string
  readonly name: string
  readonly state: TaskState
  /** JSON. */
  readonly input: string
  /** How often it was begun. */
  readonly attempts: number
  /** JSON: the last that was stored. */
  readonly progress: string | undefined
  /** JSON, of a completed task whose handler returned something. */
  readonly result: string | undefined
  /** Why the last attempt failed; also of a task that waits to be tried again. */
  readonly error: TaskFailure | undefined
  readonly enqueuedMs: number
  /** When the last attempt began. */
  readonly startedMs: number | undefined
  readonly endedMs: number | undefined
}

export type TaskState = 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled'

/**
 * What an engine stores as the failure of a task whose workers were lost as often as it may be
 * begun: a poison task, most likely.
 */
export const workerLost: TaskFailure = {
  name: 'HotpathError',
  code: 'HOTPATH_TASKS_WORKER_LOST' satisfies HotpathError['code'],
  message:
    'the process that ran the task died or froze, in each of its attempts: see what the task does to its process, then replay it',
  stack: undefined,
}
