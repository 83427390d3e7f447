import { DurationCounts, eventChannel, register, timerMsOrOff } from '../core/index.ts'
import { Call, type CallOptions } from './call.ts'
import { CloneCosts } from './clone-costs.ts'
import { Dispatcher, type DispatcherOwner } from './dispatcher.ts'
import {
  answerError,
  outOfMemory,
  queueFull,
  threadDied,
  timedOut,
  workersClosed,
} from './errors.ts'
import { resolveModule } from './module-url.ts'
import {
  resolveWorkersOptions,
  type ResolvedWorkersOptions,
  type WorkersOptions,
} from './options.ts'
import type { Answer } from './protocol.ts'
import { startThreads, type Threads } from './threads.ts'
import type { Workers, WorkersStats } from './types.ts'
import { Utilisation } from './utilisation.ts'

const boundsMs = [0.1, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, Infinity]

/**
 * Makes worker threads for what would hold up the event loop: resizing, parsing, hashing, statistics.
 * A thread runs one call at a time, so a call that is aborted, runs out of time or out of memory takes
 * nobody else's with it.
 *
 * @param moduleUrl - the module whose exported functions run in the threads, as a file: URL. Where the
 * URL ends in .ts and there is only the .js that was built from it, that is taken.
 * @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_WORKERS_MODULE_INVALID
 *
 * @example
 * ```ts
 * import { createWorkers } from 'hotpath/workers'
 *
 * const images = createWorkers<typeof import('./images.ts')>(
 *   new URL('./images.ts', import.meta.url),
 *   { name: 'images', timeoutMs: 5_000 },
 * )
 * const small = await images.run('resize', { pixels, width: 200 })
 * ```
 */
export function createWorkers<Module>(
  moduleUrl: URL | string,
  options: WorkersOptions = {},
): Workers<Module> {
  const resolved = resolveWorkersOptions(options)
  return new ThreadWorkers(resolveModule(moduleUrl), resolved) as Workers<Module>
}

const calls = eventChannel('hotpath:workers:call')
const losses = eventChannel('hotpath:workers:thread-lost')

class ThreadWorkers implements DispatcherOwner {
  readonly name: string
  readonly #moduleUrl: string
  readonly #options: ResolvedWorkersOptions
  readonly #threads: Threads
  readonly #dispatcher: Dispatcher
  readonly #utilisation: Utilisation
  readonly #waits = new DurationCounts(boundsMs)
  readonly #runs = new DurationCounts(boundsMs)
  readonly #cloneCosts: CloneCosts
  readonly #unregister: () => void
  #counts = { completed: 0, failed: 0, timeouts: 0, aborts: 0, refused: 0, threadsLost: 0 }
  #inProgress = 0
  #closing: Promise<void> | undefined
  #drained: (() => void) | undefined

  constructor(moduleUrl: string, options: ResolvedWorkersOptions) {
    this.name = options.name
    this.#moduleUrl = moduleUrl
    this.#options = options
    this.#cloneCosts = new CloneCosts(options.name)
    this.#utilisation = new Utilisation(options.clock.monotonicMs())
    this.#threads = startThreads(options)
    // A thread that ends while it has nothing to do is replaced when there is something.
    this.#threads.on('error', (error) => this.threadLost(error))
    this.#dispatcher = new Dispatcher(this.#threads, { ...options, moduleUrl }, this)
    this.#unregister = register('workers', options.name, () => this.stats())
  }

  run(name: string, input?: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.#call(name, input, options, false)
  }

  async check(name: string, { signal }: Pick<CallOptions, 'signal'> = {}): Promise<void> {
    await this.#call(name, undefined, { signal }, true)
  }

  stats(): WorkersStats {
    const { maxThreads, clock } = this.#options
    return {
      threads: this.#threads.threads.length,
      maxThreads,
      inProgress: this.#inProgress,
      ...this.#counts,
      waits: this.#waits.snapshot(),
      runs: this.#runs.snapshot(),
      utilisationRatio: this.#utilisation.ratio(maxThreads, clock.monotonicMs()),
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  answered(call: Call, [, outcome, value, runMs]: Answer): void {
    if (call.isCheck && outcome === 'returned') {
      this.#release(call)
      call.resolve(value)
      return
    }
    const { monotonicMs } = this.#options.clock
    const waitMs = Math.max(0, monotonicMs() - call.submittedMs - runMs)
    this.#waits.add(waitMs)
    this.#runs.add(runMs)
    this.#cloneCosts.add(call.name, call.cloneMs, runMs)
    if (outcome === 'returned') {
      this.#counts.completed++
      this.#settle(call, { waitMs, runMs, error: undefined })
      call.resolve(value)
    } else {
      const error = answerError(this.#moduleUrl, call.name, outcome, value)
      this.#counts.failed++
      this.#settle(call, { waitMs, runMs, error })
      call.reject(error)
    }
  }

  progressed(call: Call, value: unknown): void {
    try {
      call.onProgress?.(value)
    } catch (error) {
      // Whatever else becomes of it: that may be on its way already.
      call.reject(error)
      this.#dispatcher.giveUp(call, () => error)
    }
  }

  failed(call: Call, error: unknown): void {
    this.#counts.failed++
    this.#settle(call, { waitMs: undefined, runMs: undefined, error })
    call.reject(error)
  }

  died(call: Call, cause: unknown): void {
    const isMemory = (cause as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY'
    this.failed(
      call,
      isMemory
        ? outOfMemory(call.name, this.#options.memoryLimitBytes, cause)
        : threadDied(call.name, cause),
    )
  }

  threadLost(error: unknown): void {
    this.#counts.threadsLost++
    if (losses.hasSubscribers) losses.publish({ workers: this.name, error })
  }

  busy(by: 1 | -1): void {
    this.#utilisation.change(by, this.#options.clock.monotonicMs())
  }

  #call(name: string, input: unknown, options: CallOptions, isCheck: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { queueLimit, maxThreads, clock } = this.#options
      const { signal, timeoutMs = this.#options.timeoutMs } = options
      if (this.#closing !== undefined) throw workersClosed(this.name)
      if (timeoutMs !== this.#options.timeoutMs) timerMsOrOff('timeoutMs', timeoutMs)
      signal?.throwIfAborted()
      if (this.#inProgress >= maxThreads + queueLimit) {
        this.#counts.refused++
        throw queueFull(this.name, queueLimit, maxThreads)
      }
      this.#inProgress++
      const call = new Call(name, input, options, clock.monotonicMs(), resolve, reject)
      call.isCheck = isCheck
      if (timeoutMs !== false || signal !== undefined) this.#limit(call, timeoutMs, signal)
      this.#dispatcher.add(call)
    })
  }

  #limit(call: Call, timeoutMs: number | false, signal: AbortSignal | undefined): void {
    const timer =
      timeoutMs === false
        ? undefined
        : this.#options.clock.after(timeoutMs, () => {
            this.#dispatcher.giveUp(call, (hasBegun) => {
              this.#counts.timeouts++
              return timedOut(call.name, timeoutMs, hasBegun)
            })
          })
    const abort = () => {
      this.#dispatcher.giveUp(call, () => {
        this.#counts.aborts++
        return signal?.reason
      })
    }
    signal?.addEventListener('abort', abort, { once: true })
    call.release = () => {
      timer?.cancel()
      signal?.removeEventListener('abort', abort)
    }
  }

  #settle(
    call: Call,
    outcome: { waitMs: number | undefined; runMs: number | undefined; error: unknown },
  ): void {
    this.#release(call)
    if (calls.hasSubscribers) calls.publish({ workers: this.name, name: call.name, ...outcome })
  }

  #release({ release }: Call): void {
    release?.()
    this.#inProgress--
    if (this.#inProgress === 0) this.#drained?.()
  }

  async #close(): Promise<void> {
    this.#unregister()
    if (this.#inProgress > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
        this.#options.clock.after(this.#options.drainTimeoutMs, resolve)
      })
    }
    this.#dispatcher.stop(workersClosed(this.name))
    await this.#threads.destroy()
  }
}
