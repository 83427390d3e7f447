import { HotpathError, invalid, positiveInteger, register, timerMsOrOff } from '../core/index.ts'
import { resolveDefinition, type AnyDefinition, type ResolvedDefinition } from './definition.ts'
import type { TaskRecord } from './engine.ts'
import { allOf } from './all-of.ts'
import { resolveTasksOptions, type ResolvedTasksOptions, type TasksOptions } from './options.ts'
import { Runner } from './runner.ts'
import { Schedule } from './schedule.ts'
import { isEnded, toStatus, type TaskStatus } from './status.ts'
import { Submission } from './submission.ts'
import type {
  DeadLetter,
  EnqueuedTask,
  EnqueueOptions,
  ScheduleOptions,
  Task,
  Tasks,
  TasksStats,
  WaitOptions,
} from './task.ts'
import type { TaskThreads } from './threads.ts'
import { Waiting } from './waiting.ts'

/**
 * Makes background tasks over a store: what is enqueued outlives the process, is run by whichever
 * process has started, and begun again when that dies or freezes. Execution is at least once,
 * completion exactly once.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createTasks, sqliteEngine } from 'hotpath/tasks'
 *
 * const tasks = createTasks({ engine: sqliteEngine({ file: 'tasks.db' }) })
 * const greet = tasks.define('greet', {
 *   run: ({ name }: { name: string }) => `Hello ${name}`,
 * })
 * await tasks.start()
 * const { id } = await greet.enqueue({ name: 'Ada' })
 * const status = await greet.wait(id)
 * if (status?.state === 'completed') console.log(status.result)
 * await tasks.close()
 * ```
 */
export function createTasks<EnqueueTransaction, HandlerTransaction>(
  options: TasksOptions<EnqueueTransaction, HandlerTransaction>,
): Tasks<EnqueueTransaction, HandlerTransaction> {
  return new EngineTasks(resolveTasksOptions(options))
}

class EngineTasks implements Tasks {
  readonly name: string
  readonly #options: ResolvedTasksOptions
  readonly #definitions = new Map<string, ResolvedDefinition>()
  readonly #threads: TaskThreads[] = []
  readonly #schedules = new Map<string, Schedule>()
  readonly #waiting: Waiting
  readonly #runner: Runner
  readonly #unregister: () => void
  #opened: Promise<void> | undefined
  #isStarted = false
  #starting: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Nothing runs any more, and the engine is let go. */
  #isClosed = false
  #enqueuedCount = 0

  constructor(options: ResolvedTasksOptions) {
    this.#options = options
    this.name = options.name
    this.#waiting = new Waiting(options.clock)
    this.#runner = new Runner(options, (id) => this.#waiting.wake(id))
    this.#unregister = register('tasks', options.name, () => this.stats())
  }

  define(name: string, definition: AnyDefinition): Task<unknown, never> {
    this.#checkOpen()
    const resolved = resolveDefinition(name, definition)
    if (this.#isStarted) {
      throw new HotpathError(
        'HOTPATH_OPTION_INVALID',
        `the task ${name} is defined after start(), so that nobody would run it here: define tasks before`,
      )
    }
    if (this.#definitions.has(name)) invalid('the name of a task', 'used once', name)
    const { abilities } = this.#options.engine
    this.#refuse(resolved.rate !== undefined && !abilities.rate, 'limit the rate of tasks')
    const isTransactional = resolved.transactional && !abilities.transactionalHandler
    this.#refuse(isTransactional, 'run a handler in a transaction')
    this.#definitions.set(name, resolved)
    if (resolved.threads !== undefined) this.#threads.push(resolved.threads)
    return this.#task(name)
  }

  async start(): Promise<void> {
    this.#checkOpen()
    this.#isStarted = true
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    await this.#starting
  }

  async enqueue(
    name: string,
    input?: unknown,
    options: EnqueueOptions = {},
  ): Promise<EnqueuedTask> {
    const definition = this.#definition(name)
    const { engine, maxInputBytes } = this.#options
    const { transaction, priority } = options
    const isTransaction = transaction !== undefined && !engine.abilities.transactionalEnqueue
    this.#refuse(isTransaction, 'enqueue inside a transaction of yours')
    const hasPriority = (priority ?? definition.priority) !== 0 && !engine.abilities.priority
    this.#refuse(hasPriority, 'run tasks by priority')
    const task = await new Submission(definition, maxInputBytes).prepare(input, options)
    await this.#open()
    const enqueued = await engine.enqueue(task, transaction)
    if (enqueued.isNew) {
      this.#enqueuedCount++
      this.#runner.announce({ id: enqueued.id, name, state: 'queued', attempt: 0 })
    }
    return enqueued
  }

  async status(id: string): Promise<TaskStatus | undefined> {
    const record = await this.#find(id)
    return record === undefined ? undefined : toStatus(record)
  }

  async cancel(id: string): Promise<boolean> {
    await this.#open()
    const name = await this.#options.engine.cancel(checkId(id))
    if (name === undefined) return false
    this.#waiting.wake(id)
    this.#runner.announceCancelled(id, name)
    return true
  }

  async wait(id: string, options: WaitOptions = {}): Promise<TaskStatus | undefined> {
    const timeoutMs = timerMsOrOff('timeoutMs', options.timeoutMs ?? 30_000)
    return this.#waiting.until(
      id,
      () => this.status(id),
      (status) => status === undefined || isEnded(status),
      { timeoutMs, signal: options.signal },
    )
  }

  schedule(name: string, cron: string, options: ScheduleOptions = {}): () => void {
    this.#checkOpen()
    this.#definition(name)
    const { timeZone = 'UTC', key = name, input } = options
    if (this.#schedules.has(key)) invalid('the key of a schedule', 'used once', key)
    const schedule = new Schedule(cron, timeZone, this.#options.clock, (atMs) =>
      this.#runner.attend('schedule', () => this.#enqueueTick(name, input, key, atMs)),
    )
    this.#schedules.set(key, schedule)
    if (this.#isStarted) schedule.start()
    return () => {
      schedule.stop()
      if (this.#schedules.get(key) === schedule) this.#schedules.delete(key)
    }
  }

  async deadLetters(
    query: { name?: string | undefined; limit?: number | undefined } = {},
  ): Promise<DeadLetter[]> {
    await this.#open()
    const limit = positiveInteger('limit', query.limit ?? 100)
    const records = await this.#options.engine.deadLetters({ name: query.name, limit })
    return records.map(toDeadLetter)
  }

  async replay(id: string): Promise<boolean> {
    await this.#open()
    return this.#options.engine.replay(checkId(id))
  }

  stats(): TasksStats {
    const engine = this.#options.engine.kind
    return { engine, enqueued: this.#enqueuedCount, ...this.#runner.stats() }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #start(): Promise<void> {
    // Before a task is claimed that could not run.
    await allOf(this.#threads.map((threads) => threads.check()))
    await this.#open()
    await this.#runner.start(this.#definitions.values())
    if (this.#closing !== undefined) return
    for (const schedule of this.#schedules.values()) schedule.start()
  }

  async #close(): Promise<void> {
    for (const schedule of this.#schedules.values()) schedule.stop()
    await this.#starting?.catch(() => {})
    try {
      // Until then the store answers: what still runs may have more to enqueue.
      await this.#runner.stop(this.#options.drainTimeoutMs)
    } finally {
      this.#isClosed = true
      await this.#letGo()
      this.#waiting.wakeAll()
      this.#unregister()
    }
  }

  async #letGo(): Promise<void> {
    await this.#opened?.catch(() => {})
    await allOf([this.#options.engine.close(), ...this.#threads.map((one) => one.close())])
  }

  /** Opens the engine once; the next caller tries again after it has failed. */
  #open(): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#closedError())
    this.#opened ??= this.#options.engine.open(this.#runner).catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  async #find(id: string): Promise<TaskRecord | undefined> {
    await this.#open()
    return this.#options.engine.find(checkId(id))
  }

  async #enqueueTick(name: string, input: unknown, schedule: string, atMs: number): Promise<void> {
    if (this.#closing !== undefined) return
    const submission = new Submission(this.#definition(name), this.#options.maxInputBytes)
    const task = await submission.prepare(input, {}, { schedule, atMs })
    await this.#open()
    const { id, isNew } = await this.#options.engine.enqueue(task)
    if (!isNew) return
    this.#enqueuedCount++
    this.#runner.announce({ id, name, state: 'queued', attempt: 0 })
  }

  #task(name: string): Task<unknown, never> {
    return {
      name,
      enqueue: (input, options) => this.enqueue(name, input, options),
      status: (id) => this.status(id) as Promise<TaskStatus<never> | undefined>,
      wait: (id, options) => this.wait(id, options) as Promise<TaskStatus<never> | undefined>,
      schedule: (cron, options) => this.schedule(name, cron, options),
    }
  }

  #definition(name: string): ResolvedDefinition {
    const definition = this.#definitions.get(name)
    if (definition !== undefined) return definition
    const known = [...this.#definitions.keys()].join(', ') || 'none'
    throw new HotpathError(
      'HOTPATH_TASKS_UNKNOWN_TASK',
      `no task is defined as ${JSON.stringify(name)} in this process; defined are: ${known}`,
    )
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw this.#closedError()
  }

  #closedError(): HotpathError {
    return new HotpathError(
      'HOTPATH_COMPONENT_CLOSED',
      `the tasks ${this.name} are closed: call close() after the last of their users`,
    )
  }

  #refuse(isAsked: boolean, what: string): void {
    if (isAsked) {
      throw new HotpathError(
        'HOTPATH_TASKS_UNSUPPORTED',
        `the ${this.#options.engine.kind} engine cannot ${what}: see the table of engines in the guide of tasks`,
      )
    }
  }
}

function checkId(id: string): string {
  // What no engine can have made is unknown, not an error: ids come from clients.
  return typeof id === 'string' && id.length <= 200 ? id : ''
}

function toDeadLetter(record: TaskRecord): DeadLetter {
  const { id, name, attempts, enqueuedMs, endedMs = enqueuedMs } = record
  const { name: kind = 'Error', message = '', code } = record.error ?? {}
  const input = JSON.parse(record.input) as unknown
  return { id, name, input, attempts, error: { name: kind, message, code }, enqueuedMs, endedMs }
}
