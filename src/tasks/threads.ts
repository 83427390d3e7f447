import { availableParallelism } from 'node:os'
import { createWorkers, type Workers } from '../workers/index.ts'
import type { TaskContext } from './definition.ts'

/** Runs the handler of one task in worker threads, which are started by its first attempt. */
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
  readonly run = (input: unknown, { signal, progress }: TaskContext): Promise<unknown> => {
    this.#workers ??= createWorkers<HandlerModule>(this.#module, {
      name: this.#name,
      maxThreads: Math.min(this.#concurrency, availableParallelism()),
      queueLimit: this.#concurrency,
      timeoutMs: false,
    })
    return this.#workers.run(this.#functionName, input, { signal, onProgress: progress })
  }

  async close(): Promise<void> {
    await this.#workers?.close()
  }
}

type HandlerModule = Record<string, (input: unknown) => unknown>
