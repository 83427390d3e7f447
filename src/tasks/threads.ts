import { availableParallelism } from 'node:os'
import { HotpathError } from '../core/index.ts'
import { createWorkers, type Workers } from '../workers/index.ts'
import type { TaskContext } from './definition.ts'

// A module that takes longer to load in a thread waits for something that does not come.
const loadMs = 30_000

/** Runs the handler of one task in worker threads, which are started with the tasks. */
export class TaskThreads {
  readonly #name: string
  readonly #module: URL | string
  readonly #functionName: string
  readonly #concurrency: number
  #workers: Workers<HandlerModule> | undefined

  constructor(name: string, module: URL | string, functionName: string, concurrency: number) {
    this.#name = name
    this.#module = module
    this.#functionName = functionName
    this.#concurrency = concurrency
  }

  /** The signal ends the thread, whatever it is doing: the time limit is the attempt's. */
  readonly run = (input: unknown, { signal, progress }: TaskContext): Promise<unknown> =>
    this.#open().run(this.#functionName, input, { signal, onProgress: progress })

  /**
   * Looks whether a thread can load the module and finds the function in it, which is not run.
   *
   * @throws HotpathError HOTPATH_WORKERS_MODULE_INVALID
   */
  async check(): Promise<void> {
    const late = AbortSignal.timeout(loadMs)
    try {
      await this.#open().check(this.#functionName, { signal: late })
    } catch (cause) {
      const problem = late.aborted
        ? `its module has not loaded within ${loadMs} ms`
        : cause instanceof Error
          ? cause.message
          : String(cause)
      throw new HotpathError(
        'HOTPATH_WORKERS_MODULE_INVALID',
        `the task ${this.#name} cannot run in a thread: ${problem}`,
        { cause },
      )
    }
  }

  async close(): Promise<void> {
    await this.#workers?.close()
  }

  #open(): Workers<HandlerModule> {
    return (this.#workers ??= createWorkers<HandlerModule>(this.#module, {
      name: this.#name,
      maxThreads: Math.min(this.#concurrency, availableParallelism()),
      queueLimit: this.#concurrency,
      timeoutMs: false,
    }))
  }
}

type HandlerModule = Record<string, (input: unknown) => unknown>
