import type { Source } from '../core/index.ts'

/** Who takes what a {@link SourceReader} reads. */
export interface ReaderOwner<T> {
  read(item: T): void
  exhausted(): void
  /** Iterators that threw have closed themselves. */
  failed(error: unknown): void
}

/** Reads a source item by item, without a turn of the microtask queue where the source needs none. */
export class SourceReader<T> {
  readonly #owner: ReaderOwner<T>
  readonly #source: Source<T>
  readonly isAsync: boolean
  #iterator: Iterator<T> | AsyncIterator<T> | undefined
  /** An asynchronous read is under way; there is never more than one. */
  isReading = false
  #isOver = false

  constructor(source: Source<T>, owner: ReaderOwner<T>) {
    this.#source = source
    this.isAsync = Symbol.asyncIterator in Object(source)
    this.#owner = owner
  }

  /** Asks for one item. Synchronous sources hand it over before this returns. */
  pull(): void {
    try {
      const iterator = this.#open()
      if (!this.isAsync) return this.#take((iterator as Iterator<T>).next())
      this.isReading = true
      Promise.resolve((iterator as AsyncIterator<T>).next()).then(
        (step) => this.#take(step),
        (error: unknown) => this.#fail(error),
      )
    } catch (error) {
      this.#fail(error)
    }
  }

  /**
   * Closes the source early. A read that is under way may never end, and a generator closes only
   * after it: then the closing is asked for but not waited for.
   */
  async close(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    const closing = (async () => this.#open().return?.())()
    if (this.isReading) closing.catch(() => {})
    else await closing
  }

  #open(): Iterator<T> | AsyncIterator<T> {
    if (this.#iterator !== undefined) return this.#iterator
    const source = this.#source
    this.#iterator = this.isAsync
      ? (source as AsyncIterable<T>)[Symbol.asyncIterator]()
      : (source as Iterable<T>)[Symbol.iterator]()
    return this.#iterator
  }

  #take(step: IteratorResult<T>): void {
    this.isReading = false
    if (this.#isOver) return
    if (step.done !== true) return this.#owner.read(step.value)
    this.#isOver = true
    this.#owner.exhausted()
  }

  #fail(error: unknown): void {
    this.isReading = false
    if (this.#isOver) return
    this.#isOver = true
    this.#owner.failed(error)
  }
}
