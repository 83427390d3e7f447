import { setMaxListeners } from 'node:events'
import { Failures } from './items-failed.ts'
import type { ResolvedMapOptions } from './map-options.ts'
import { SourceReader, type ReaderOwner } from './source-reader.ts'

/** Where the results of a {@link MapRun} go. */
export interface Outlet {
  /** Results that are done and not taken yet: they count against the window. */
  readonly waitingCount: number
  deliver(index: number, result: unknown): void
  /** There will be no result for this item. */
  skip(index: number): void
  /** Nothing is running any more. */
  ended(outcome: Outcome): void
}

/** How a run ended. Results that still wait are to be dropped if `isCancelled`. */
export interface Outcome {
  readonly failure: { readonly error: unknown } | undefined
  readonly isCancelled: boolean
}

/** One run over a source: reads, starts, counts what is running, and ends. */
export class MapRun<T> implements ReaderOwner<T> {
  readonly #options: ResolvedMapOptions<T>
  readonly #outlet: Outlet
  readonly #reader: SourceReader<T>
  readonly #controller = new AbortController()
  readonly #failures = new Failures()
  #nextIndex = 0
  #runningCount = 0
  /** An item that was read while everything was busy, so that reading and working overlap. */
  #held: { readonly item: T } | undefined
  #isExhausted = false
  #isPulling = false
  /** Set once the run is to end; it has ended when nothing is running either. */
  #outcome: Outcome | undefined
  #isClosing = false
  #hasEnded = false

  constructor(options: ResolvedMapOptions<T>, outlet: Outlet) {
    this.#options = options
    this.#outlet = outlet
    this.#reader = new SourceReader(options.source, this)
    // Every running function may listen; that is no leak.
    setMaxListeners(0, this.#controller.signal)
  }

  start(): void {
    const { signal } = this.#options
    if (signal?.aborted === true) return this.#abort()
    signal?.addEventListener('abort', this.#abort)
    this.pull()
  }

  /** Reads and starts as much as there is room for. The outlet calls it when a result was taken. */
  pull(): void {
    // A function that answers at once settles within this loop, which then is the one to go on.
    if (this.#isPulling) return
    this.#isPulling = true
    while (this.#outcome === undefined) {
      if (this.#held !== undefined && this.#runningCount < this.#options.concurrency) this.#resume()
      else if (this.#mayRead()) this.#reader.pull()
      else break
    }
    this.#isPulling = false
    if (this.#isExhausted && this.#runningCount === 0 && this.#outcome === undefined) {
      const failure = this.#failures.toFailure()
      this.#outcome = { failure, isCancelled: false }
    }
    this.#endIfIdle()
  }

  /** Ends the run because nobody wants its results any more. */
  cancel(): void {
    this.#stop({ failure: undefined, isCancelled: true }, stoppedReading())
  }

  read(item: T): void {
    if (this.#outcome !== undefined) return
    if (this.#runningCount < this.#options.concurrency) this.#launch(item)
    else this.#held = { item }
    this.pull()
  }

  exhausted(): void {
    this.#isExhausted = true
    this.pull()
  }

  failed(error: unknown): void {
    this.#stop({ failure: { error }, isCancelled: false }, error)
  }

  #mayRead(): boolean {
    if (this.#isExhausted || this.#held !== undefined || this.#reader.isReading) return false
    const { concurrency } = this.#options
    const isBusy = this.#runningCount >= concurrency
    // A synchronous source has its items at hand: reading it ahead would gain nothing.
    if (isBusy && !this.#reader.isAsync) return false
    return this.#runningCount + this.#outlet.waitingCount < 2 * concurrency
  }

  #resume(): void {
    const { item } = this.#held as { readonly item: T }
    this.#held = undefined
    this.#launch(item)
  }

  #launch(item: T): void {
    const index = this.#nextIndex++
    this.#runningCount++
    try {
      const result = this.#options.fn(item, { index, signal: this.#controller.signal })
      if (isThenable(result)) {
        result.then(
          (value) => this.#done(index, value),
          (error: unknown) => this.#failed(index, error),
        )
      } else {
        this.#done(index, result)
      }
    } catch (error) {
      this.#failed(index, error)
    }
  }

  #done(index: number, value: unknown): void {
    this.#runningCount--
    if (this.#outcome === undefined) {
      const isSettled = this.#options.onError === 'settle'
      this.#outlet.deliver(index, isSettled ? { ok: true, value } : value)
    }
    this.pull()
  }

  #failed(index: number, error: unknown): void {
    this.#runningCount--
    const { onError } = this.#options
    if (this.#outcome !== undefined) return this.pull()
    if (onError === 'throw') {
      this.#stop({ failure: { error }, isCancelled: false }, error)
    } else if (onError === 'settle') {
      this.#outlet.deliver(index, { ok: false, error })
    } else {
      this.#failures.add(index, error)
      this.#outlet.skip(index)
    }
    this.pull()
  }

  readonly #abort = (): void => {
    const error: unknown = this.#options.signal?.reason
    this.#stop({ failure: { error }, isCancelled: true }, error)
  }

  #stop(outcome: Outcome, reason: unknown): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.#isClosing = true
    this.#controller.abort(reason)
    this.#reader.close().then(
      () => this.#closed(undefined),
      (error: unknown) => this.#closed({ error }),
    )
  }

  // As with `for await`: a source that cannot be closed is an error, unless there is one already.
  #closed(failure: Outcome['failure']): void {
    this.#isClosing = false
    if (failure !== undefined && this.#outcome?.failure === undefined) {
      this.#outcome = { failure, isCancelled: true }
    }
    this.#endIfIdle()
  }

  #endIfIdle(): void {
    if (this.#outcome === undefined || this.#runningCount > 0) return
    if (this.#isClosing || this.#hasEnded) return
    this.#hasEnded = true
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#outlet.ended(this.#outcome)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

function stoppedReading(): DOMException {
  return new DOMException('The results of mapConcurrent are no longer read', 'AbortError')
}
