import { positiveInteger } from './options.ts'

/**
 * Anything that rows can be read from one by one: an array, a generator, a Node stream, a web
 * stream, a COPY. Leaving a `for await` early must close what is behind it.
 */
export type Source<T> = AsyncIterable<T> | Iterable<T>

/**
 * Where rows go: a file, a COPY into a table, an HTTP response. A sink is used once, by one writer
 * that awaits each call: that awaiting is the back-pressure.
 */
export interface Sink<T, Result = void> {
  /** Takes a batch. Resolves when the sink is ready for the next one. */
  write(batch: readonly T[]): Promise<void>
  /** Ends well; resolves when everything written is as durable as the sink makes it. */
  close(): Promise<Result>
  /** Ends badly: undoes what can be undone, frees what is held. Never rejects. */
  abort(reason: unknown): Promise<void>
}

/** How {@link drain} works. */
export interface DrainOptions {
  /**
   * Rows that are handed to the sink at once.
   *
   * @defaultValue 500
   */
  batchSize?: number | undefined
  /** Stops between two batches; the sink is aborted and the source closed. */
  signal?: AbortSignal | undefined
}

/**
 * Moves every row of a source into a sink with constant memory. When the source, the sink or the
 * signal fails, the sink is aborted, the source is closed, and the promise rejects with the cause.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { drain, type Sink } from 'hotpath'
 *
 * let sum = 0
 * const total: Sink<number, number> = {
 *   write: async (batch) => batch.forEach((value) => (sum += value)),
 *   close: async () => sum,
 *   abort: async () => {},
 * }
 * await drain([1, 2, 3], total) // 6
 * ```
 */
export async function drain<T, Result>(
  source: Source<T>,
  sink: Sink<T, Result>,
  options: DrainOptions = {},
): Promise<Result> {
  const { signal } = options
  let batch: T[] = []
  try {
    const batchSize = positiveInteger('batchSize', options.batchSize ?? 500)
    signal?.throwIfAborted()
    for await (const row of source) {
      batch.push(row)
      if (batch.length < batchSize) continue
      await sink.write(batch)
      batch = []
      signal?.throwIfAborted()
    }
    if (batch.length > 0) await sink.write(batch)
    signal?.throwIfAborted()
    return await sink.close()
  } catch (error) {
    await sink.abort(error)
    throw error
  }
}
