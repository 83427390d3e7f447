import {
  HotpathError,
  invalid,
  knownOptions,
  nonEmptyString,
  nonNegativeInteger,
  positiveInteger,
  positiveMs,
  timerMs,
  timerMsOrOff,
} from '../core/index.ts'
import type { TaskRate } from './engine.ts'
import type { StandardSchema } from './schema.ts'
import { TaskThreads } from './threads.ts'

/** What a handler is given beside its input. */
export interface TaskContext<Transaction = unknown> {
  readonly id: string
  /** 1 for the first. */
  readonly attempt: number
  /**
   * Aborted when the time limit has passed, when the task was cancelled, when its lease was lost, and
   * when the process closes; its reason is a `HotpathError` that says which. Hand it on.
   */
  readonly signal: AbortSignal
  /** Tells how far it is: a number, or any plain data. Cheap: stored a few times a second at most. */
  progress(value: unknown): void
  /** Of a transactional task; what is done in it commits together with the completion. */
  readonly transaction: Transaction
}

/** How long to wait before a failed task is tried again. */
export interface Backoff {
  /**
   * Before the second attempt; each further wait is twice as long. What is waited is drawn between
   * half of it and the whole, so that tasks that failed together do not come back together.
   *
   * @defaultValue 1_000
   */
  firstMs?: number | undefined
  /** @defaultValue 300_000 */
  maxMs?: number | undefined
}

/** What a task does, and how. */
export interface TaskDefinition<Input, Parsed, Result, Transaction = unknown> extends TaskSettings<
  Input,
  Parsed,
  Result
> {
  /**
   * Does the work. It may be begun more than once: see the guide on making effects idempotent. What it
   * returns is the task's result; what it throws makes the attempt fail.
   */
  run(input: Parsed, context: TaskContext<Transaction>): Result | Promise<Result>
  /**
   * Gives the handler a `transaction` that commits together with the completion, so that its effects
   * take place exactly once. PostgreSQL and SQLite.
   *
   * @defaultValue false
   */
  transactional?: boolean | undefined
  thread?: false | undefined
}

/**
 * A task whose handler runs in a worker thread, by `hotpath/workers`: it does not hold up the event loop,
 * and when it runs out of time or is cancelled its thread is stopped, whatever it is doing.
 */
export interface ThreadTaskDefinition<Input, Parsed, Result> extends TaskSettings<
  Input,
  Parsed,
  Result
> {
  thread: true
  /** The module that exports the handler, as `new URL('./resize.ts', import.meta.url)`. */
  module: URL | string
  /**
   * The exported function. It is given the input, and tells of its progress by `reportProgress` of
   * `hotpath/workers`.
   *
   * @defaultValue 'run'
   */
  functionName?: string | undefined
}

/** What the definition of every task may say. */
export interface TaskSettings<Input, Parsed, Result> {
  /**
   * Checks the input (Standard Schema: Zod, Valibot, ArkType…), when it is enqueued and again before it
   * runs. It is asked about the input as it comes back from JSON: a `Date` is a string there.
   */
  input?: StandardSchema<Input, Parsed> | undefined
  /** Checks the result before it is stored. */
  output?: StandardSchema<Result, Result> | undefined
  /**
   * How long an attempt may take.
   *
   * @defaultValue 300_000
   */
  timeoutMs?: number | false | undefined
  /**
   * How often it is tried again after it failed. A worker that dies is not a failure of the task: an
   * attempt that was lost is begun again at least three times, whatever stands here.
   *
   * @defaultValue 3
   */
  retries?: number | undefined
  backoff?: Backoff | undefined
  /**
   * How many may run at a time in this process.
   *
   * @defaultValue 10
   */
  concurrency?: number | undefined
  /** Makes the unique key of a task from its input: see `uniqueKey` of `enqueue`. */
  uniqueBy?(input: Input): string
  /**
   * 0 to 1,000: the larger run first.
   *
   * @defaultValue 0
   */
  priority?: number | undefined
  /**
   * How long status and result are kept after the task was completed or cancelled.
   *
   * @defaultValue 3_600_000
   */
  resultTtlMs?: number | undefined
  /**
   * How long a task that failed for good is kept to be looked at and replayed.
   *
   * @defaultValue 604_800_000, a week
   */
  deadLetterTtlMs?: number | undefined
  /** `{ limit, perMs }`: at most so many begin in any such time, over all processes. */
  rate?: TaskRate | undefined
}

/** A definition of which everything is known. */
export interface ResolvedDefinition {
  readonly name: string
  readonly run: (input: unknown, context: TaskContext) => unknown
  readonly threads: TaskThreads | undefined
  readonly input: StandardSchema | undefined
  readonly output: StandardSchema | undefined
  readonly timeoutMs: number | false
  readonly retries: number
  readonly backoff: { readonly firstMs: number; readonly maxMs: number }
  readonly concurrency: number
  readonly uniqueBy: ((input: unknown) => string) | undefined
  readonly priority: number
  readonly resultTtlMs: number
  readonly deadLetterTtlMs: number
  readonly rate: TaskRate | undefined
  readonly transactional: boolean
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveDefinition(name: string, definition: AnyDefinition): ResolvedDefinition {
  if (typeof name !== 'string' || !/^[\w.-]{1,100}$/.test(name)) {
    invalid('the name of a task', 'of 1 to 100 letters, digits, _, - and .', name)
  }
  knownOptions(`the task ${name}`, definition, optionNames)
  const { timeoutMs = 300_000, retries = 3, concurrency = 10, priority = 0 } = definition
  const { resultTtlMs = 3_600_000, deadLetterTtlMs = 604_800_000 } = definition
  const threads = resolveThreads(name, definition, positiveInteger('concurrency', concurrency))
  return {
    name,
    run: threads?.run ?? resolveRun(definition),
    threads,
    input: checkSchema('input', definition.input),
    output: checkSchema('output', definition.output),
    timeoutMs: timerMsOrOff('timeoutMs', timeoutMs),
    retries: nonNegativeInteger('retries', retries),
    backoff: resolveBackoff(definition.backoff ?? {}),
    concurrency,
    uniqueBy: definition.uniqueBy?.bind(definition),
    priority: checkPriority(priority),
    resultTtlMs: positiveMs('resultTtlMs', resultTtlMs),
    deadLetterTtlMs: positiveMs('deadLetterTtlMs', deadLetterTtlMs),
    rate: definition.rate === undefined ? undefined : resolveRate(definition.rate),
    transactional: (definition.thread !== true && definition.transactional) || false,
  }
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function checkPriority(priority: number): number {
  if (nonNegativeInteger('priority', priority) > 1_000) {
    invalid('priority', 'a whole number from 0 to 1,000', priority)
  }
  return priority
}

/** How long to wait after this attempt has failed; undefined: it is not tried again. */
export function retryDelayMs(
  { retries, backoff }: ResolvedDefinition,
  attempt: number,
): number | undefined {
  if (attempt > retries) return undefined
  const wholeMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** (attempt - 1))
  return wholeMs * (0.5 + Math.random() / 2)
}

/** A definition of whatever types. */
export type AnyDefinition =
  | TaskDefinition<unknown, unknown, unknown, unknown>
  | ThreadTaskDefinition<unknown, unknown, unknown>

const optionNames = [
  'run',
  'input',
  'output',
  'timeoutMs',
  'retries',
  'backoff',
  'concurrency',
  'uniqueBy',
  'priority',
  'resultTtlMs',
  'deadLetterTtlMs',
  'rate',
  'transactional',
  'thread',
  'module',
  'functionName',
]

function resolveRun(definition: AnyDefinition): ResolvedDefinition['run'] {
  if (definition.thread === true) return invalid('run', 'in the module of the thread', definition)
  if (typeof definition.run !== 'function') invalid('run', 'a function', definition.run)
  if ('module' in definition || 'functionName' in definition) {
    invalid('thread', 'true where there is a module', definition.thread)
  }
  return (input, context) => definition.run(input, context)
}

function resolveThreads(
  name: string,
  definition: AnyDefinition,
  concurrency: number,
): TaskThreads | undefined {
  if (definition.thread !== true) return undefined
  const { module, functionName = 'run' } = definition
  if ('run' in definition || 'transactional' in definition) {
    invalid('thread', 'left out where run or transactional is given', true)
  }
  if (!(module instanceof URL) && typeof module !== 'string') {
    invalid('module', "a URL, such as new URL('./resize.ts', import.meta.url)", module)
  }
  return new TaskThreads(name, module, nonEmptyString('functionName', functionName), concurrency)
}

function checkSchema(
  option: string,
  schema: StandardSchema | undefined,
): StandardSchema | undefined {
  if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
    invalid(option, 'a schema that follows Standard Schema, such as one of Zod', schema)
  }
  return schema
}

function resolveBackoff(backoff: Backoff): ResolvedDefinition['backoff'] {
  knownOptions('backoff', backoff, ['firstMs', 'maxMs'])
  const { firstMs = 1_000, maxMs = 300_000 } = backoff
  if (timerMs('backoff.firstMs', firstMs) > timerMs('backoff.maxMs', maxMs)) {
    throw new HotpathError('HOTPATH_OPTION_INVALID', 'backoff.firstMs is longer than backoff.maxMs')
  }
  return { firstMs, maxMs }
}

function resolveRate(rate: TaskRate): TaskRate {
  knownOptions('rate', rate, ['limit', 'perMs'])
  return {
    limit: positiveInteger('rate.limit', rate.limit),
    perMs: timerMs('rate.perMs', rate.perMs),
  }
}
