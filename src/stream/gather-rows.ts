import { invalid, type Source } from '../core/index.ts'
import { NumberedBatch } from './row-batch.ts'
import type { Batches } from './row-steps.ts'
import type { Run } from './run.ts'

const batchRows = 500

/** Reads rows from anything that can be iterated, in batches. */
export function gatherRows<T>(source: Source<T>, run: Run): Batches<T> {
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source) return gatherAsync(source, run)
    if (Symbol.iterator in source) return gatherSync(source, run)
  }
  return invalid('source', 'an iterable or an async iterable of rows', source)
}

async function* gatherSync<T>(source: Iterable<T>, run: Run): Batches<T> {
  let first = 1
  let rows: T[] = []
  for (const row of source) {
    rows.push(row)
    if (rows.length < batchRows) continue
    run.signal?.throwIfAborted()
    yield new NumberedBatch(rows, first)
    first += rows.length
    rows = []
  }
  if (rows.length > 0) yield new NumberedBatch(rows, first)
}

async function* gatherAsync<T>(source: AsyncIterable<T>, run: Run): Batches<T> {
  const iterator = source[Symbol.asyncIterator]()
  const reader = new ReadAhead(iterator, run.signal)
  let first = 1
  try {
    for (;;) {
      const rows = await reader.nextBatch()
      if (rows.length === 0) return
      yield new NumberedBatch(rows, first)
      first += rows.length
    }
  } finally {
    await reader.close()
  }
}

/**
 * Collects what comes within one turn of the event loop: rows that are ready travel together, and a
 * row of a slow source does not wait for those after it.
 */
export class ReadAhead<T> {
  readonly #iterator: AsyncIterator<T>
  readonly #signal: AbortSignal | undefined
  #rows: T[] = []
  #isReading = false
  #isDone = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined
  #isTurnOver = true

  constructor(iterator: AsyncIterator<T>, signal: AbortSignal | undefined) {
    this.#iterator = iterator
    this.#signal = signal
  }

  /** Rejects where the source does, after the rows before that. Empty at the end. */
  async nextBatch(): Promise<readonly T[]> {
    this.#signal?.throwIfAborted()
    if (this.#rows.length === 0 && !this.#hasEnded) await this.#read()
    this.#signal?.throwIfAborted()
    const rows = this.#rows
    this.#rows = []
    if (rows.length === 0 && this.#failure !== undefined) throw this.#failure.error
    return rows
  }

  async close(): Promise<void> {
    if (this.#hasEnded) return
    const returned = Promise.resolve(this.#iterator.return?.())
    // A generator answers only when what it waits for has come, if ever.
    if (this.#isReading) returned.catch(() => {})
    else await returned
  }

  get #hasEnded(): boolean {
    return this.#isDone || this.#failure !== undefined
  }

  async #read(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    this.#isTurnOver = false
    setImmediate(() => {
      this.#isTurnOver = true
      if (this.#rows.length > 0) resolve()
    })
    const stop = () => resolve()
    this.#signal?.addEventListener('abort', stop, { once: true })
    if (!this.#isReading) this.#pull()
    await promise
    this.#wake = undefined
    this.#signal?.removeEventListener('abort', stop)
  }

  #pull(): void {
    this.#isReading = true
    this.#iterator.next().then(
      ({ done, value }) => {
        this.#isReading = false
        if (done === true) this.#isDone = true
        else this.#rows.push(value)
        const isEnough = this.#isDone || this.#isTurnOver || this.#rows.length >= batchRows
        if (isEnough || this.#wake === undefined) this.#wake?.()
        else this.#pull()
      },
      (error: unknown) => {
        this.#isReading = false
        this.#failure = { error }
        this.#wake?.()
      },
    )
  }
}
