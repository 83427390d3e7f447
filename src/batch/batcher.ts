import { HotpathError, invalid, maxTimerMs, register, type Timer } from '../core/index.ts'
import { Batch, type BatchEntry } from './batch.ts'
import {
  resolveBatcherOptions,
  type BatcherOptions,
  type BatchFunction,
  type ResolvedBatcherOptions,
} from './batcher-options.ts'

/** What {@link Batcher.stats} tells. */
export interface BatcherStats {
  /** Calls that were taken. */
  readonly calls: number
  readonly batches: number
  /** Batches that failed as a whole. */
  readonly failedBatches: number
  /** Inputs that wait for their batch to start. */
  readonly waiting: number
  /** Batches that run now. */
  readonly running: number
}

/** Collects single calls into batches. Made by {@link createBatcher}. */
export interface Batcher<T, R> {
  readonly name: string
  /**
   * Hands an input over to the next batch; resolves with its own result.
   *
   * @throws HotpathError HOTPATH_BATCH_QUEUE_FULL, HOTPATH_BATCH_ANSWER_INVALID,
   * HOTPATH_COMPONENT_CLOSED; what the function threw; the signal's reason
   */
  call(input: T, options?: { readonly signal?: AbortSignal | undefined }): Promise<R>
  /** Starts what waits, without waiting for company. */
  flush(): void
  stats(): BatcherStats
  /** Takes no more calls, and resolves when those that were taken are done. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Collects single calls into batches, for whatever is cheaper for many than for each: inserts, APIs
 * that take lists. A batch starts when it is full, or when its first call has waited `maxDelayMs`.
 *
 * A batch that fails fails its own callers. An `Error` among the results fails its caller only. A
 * caller who aborts before the start is left out of the batch; afterwards he no longer waits, and
 * when nobody does the function's signal aborts.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createBatcher } from 'hotpath/batch'
 *
 * const doubles = createBatcher(async (numbers: readonly number[]) => numbers.map((n) => 2 * n), {
 *   maxSize: 50,
 *   maxDelayMs: 2,
 * })
 * const [two, four] = await Promise.all([doubles.call(1), doubles.call(2)]) // one batch
 * console.log(two, four)
 * await doubles.close()
 * ```
 */
export function createBatcher<T, R>(
  fn: BatchFunction<T, R>,
  options: BatcherOptions = {},
): Batcher<T, R> {
  if (typeof fn !== 'function') invalid('fn', 'a function', fn)
  return new CollectingBatcher(fn, resolveBatcherOptions(options))
}

class CollectingBatcher<T, R> implements Batcher<T, R> {
  readonly name: string
  readonly #fn: BatchFunction<T, R>
  readonly #options: ResolvedBatcherOptions
  readonly #waiting = new Set<BatchEntry<T, R>>()
  readonly #unregister: () => void
  #delay: Timer | undefined
  // Callers wait for an answer, and the timer of a clock does not keep the process alive for them.
  #hold: NodeJS.Timeout | undefined
  /** What waits may start: it is full, or has waited long enough. */
  #isDue = false
  #runningCount = 0
  #callCount = 0
  #batchCount = 0
  #failedCount = 0
  #closed: PromiseWithResolvers<void> | undefined

  constructor(fn: BatchFunction<T, R>, options: ResolvedBatcherOptions) {
    this.name = options.name
    this.#fn = fn
    this.#options = options
    this.#unregister = register('batcher', options.name, () => this.stats())
  }

  call(input: T, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const { maxQueue } = this.#options
      if (this.#closed !== undefined) throw batcherClosed(this.name)
      signal?.throwIfAborted()
      if (this.#waiting.size >= maxQueue) throw queueFull(this.name, maxQueue)
      this.#callCount++
      const entry: BatchEntry<T, R> = { input, resolve, reject, signal, leave: undefined }
      if (signal !== undefined) this.#watchAbort(entry, signal)
      this.#waiting.add(entry)
      this.#schedule()
    })
  }

  flush(): void {
    this.#isDue = true
    this.#start()
  }

  stats(): BatcherStats {
    return {
      calls: this.#callCount,
      batches: this.#batchCount,
      failedBatches: this.#failedCount,
      waiting: this.#waiting.size,
      running: this.#runningCount,
    }
  }

  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = Promise.withResolvers()
      this.#unregister()
      this.flush()
      this.#checkClosed()
    }
    return this.#closed.promise
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #watchAbort(entry: BatchEntry<T, R>, signal: AbortSignal): void {
    const abort = () => {
      this.#waiting.delete(entry)
      entry.reject(signal.reason)
      if (this.#waiting.size === 0) this.#rest()
      this.#checkClosed()
    }
    signal.addEventListener('abort', abort, { once: true })
    entry.leave = () => signal.removeEventListener('abort', abort)
  }

  #schedule(): void {
    const { maxSize, maxDelayMs, clock } = this.#options
    if (this.#waiting.size >= maxSize) return this.#start()
    if (this.#delay !== undefined || this.#isDue) return
    if (maxDelayMs === false) {
      const soon = setImmediate(() => this.flush())
      this.#delay = { cancel: () => clearImmediate(soon) }
    } else {
      this.#hold ??= setInterval(() => {}, maxTimerMs)
      this.#delay = clock.after(maxDelayMs, () => this.flush())
    }
  }

  #start(): void {
    const { concurrency, maxSize } = this.#options
    while (
      this.#runningCount < concurrency &&
      (this.#waiting.size >= maxSize || (this.#isDue && this.#waiting.size > 0))
    ) {
      void this.#run(this.#takeUpTo(maxSize))
    }
    if (this.#waiting.size === 0) this.#rest()
  }

  #takeUpTo(count: number): BatchEntry<T, R>[] {
    const entries: BatchEntry<T, R>[] = []
    for (const entry of this.#waiting) {
      if (entries.length === count) break
      entries.push(entry)
      this.#waiting.delete(entry)
    }
    return entries
  }

  async #run(entries: readonly BatchEntry<T, R>[]): Promise<void> {
    this.#runningCount++
    this.#batchCount++
    if (!(await new Batch(this.name, entries).run(this.#fn))) this.#failedCount++
    this.#runningCount--
    this.#start()
    this.#checkClosed()
  }

  /** Nobody waits: no timer is needed. */
  #rest(): void {
    this.#isDue = this.#closed !== undefined
    this.#delay?.cancel()
    this.#delay = undefined
    clearInterval(this.#hold)
    this.#hold = undefined
  }

  #checkClosed(): void {
    if (this.#runningCount === 0 && this.#waiting.size === 0) this.#closed?.resolve()
  }
}

function queueFull(name: string, maxQueue: number): HotpathError {
  return new HotpathError(
    'HOTPATH_BATCH_QUEUE_FULL',
    `${name}: ${maxQueue} calls wait for their batch already, and no more are taken: the batch ` +
      'function is slower than its callers. For a web API, answer 503',
  )
}

function batcherClosed(name: string): HotpathError {
  return new HotpathError(
    'HOTPATH_COMPONENT_CLOSED',
    `${name} is closed and takes no more calls. Close it after whatever calls it`,
  )
}
