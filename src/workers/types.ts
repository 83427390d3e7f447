import type { DurationBuckets } from '../core/index.ts'
import type { CallOptions } from './call.ts'

/** The names of the functions that a module exports. */
export type FunctionName<Module> = {
  [Name in keyof Module]: Module[Name] extends (input: never) => unknown ? Name : never
}[keyof Module] &
  string

/** What is given to `run` after the name: the input, where the function has one, and the options. */
export type RunArguments<Run> = Run extends (...args: infer Args) => unknown
  ? Args extends []
    ? [input?: undefined, options?: CallOptions]
    : undefined extends Args[0]
      ? [input?: Args[0], options?: CallOptions]
      : [input: Args[0], options?: CallOptions]
  : never

/** What comes of a function that runs in a thread. */
export type RunResult<Run> = Run extends (input: never) => infer Result ? Awaited<Result> : never

/** What {@link Workers.stats} tells. */
export interface WorkersStats {
  /** Threads that are alive. */
  readonly threads: number
  readonly maxThreads: number
  /** Calls made and not yet settled, those that wait included. */
  readonly inProgress: number
  readonly completed: number
  /** Calls that rejected after they were taken, for whatever reason. */
  readonly failed: number
  /** Among the failed: out of time. */
  readonly timeouts: number
  /** Among the failed: given up by their signal. */
  readonly aborts: number
  /** Calls refused because the queue was full. */
  readonly refused: number
  /** Threads that were stopped because of a call, or died. */
  readonly threadsLost: number
  /** From the call until its function began. */
  readonly waits: DurationBuckets
  /** In the function itself. */
  readonly runs: DurationBuckets
  /** How much of the time of `maxThreads` threads was used in the last five to ten seconds, 0 to 1. */
  readonly utilisationRatio: number
}

/** Runs the functions of a module in worker threads. Made by {@link createWorkers}. */
export interface Workers<Module> {
  readonly name: string
  /**
   * Runs an exported function of the module in a thread. Input and result are cloned (the structured
   * clone algorithm): plain data, no functions.
   *
   * @throws whatever the function throws, with its stack in the thread
   * @throws HotpathError HOTPATH_WORKERS_QUEUE_FULL, HOTPATH_WORKERS_TIMEOUT,
   * HOTPATH_WORKERS_VALUE_INVALID, HOTPATH_WORKERS_MODULE_INVALID, HOTPATH_WORKERS_OUT_OF_MEMORY,
   * HOTPATH_WORKERS_THREAD_DIED, HOTPATH_COMPONENT_CLOSED
   */
  run<Name extends FunctionName<Module>>(
    name: Name,
    ...args: RunArguments<Module[Name]>
  ): Promise<RunResult<Module[Name]>>
  /**
   * Loads the module in a thread and looks for an exported function, without running it: a mistake is
   * found when the process starts, and not by the first call.
   *
   * @throws HotpathError HOTPATH_WORKERS_MODULE_INVALID
   */
  check(name: FunctionName<Module>, options?: Pick<CallOptions, 'signal'>): Promise<void>
  stats(): WorkersStats
  /** Takes no more calls, waits for those that there are for `drainTimeoutMs`, and ends the threads. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
