import { ReadAhead } from './gather-rows.ts'
import { DerivedBatch, ListedBatch, type RowBatch } from './row-batch.ts'
import type { Batches } from './row-steps.ts'
import type { Run } from './run.ts'

/** How `parallel` works. */
export interface ParallelOptions {
  /**
   * How many rows are worked on at a time.
   *
   * @defaultValue 10
   */
  concurrency?: number | undefined
  /**
   * Results come in the order of the rows. With `false` each comes when it is done; the run then has
   * no byte offset to go on from.
   *
   * @defaultValue true
   */
  ordered?: boolean | undefined
}

/** What `parallel` calls for each row; the signal is aborted when the run ends early. */
export type ParallelFunction<T, U> = (row: T, context: { readonly signal: AbortSignal }) => U

interface Origin<T> {
  readonly row: T
  readonly batch: RowBatch<T>
  readonly index: number
}

interface Outcome<T, U> {
  readonly origin: Origin<T>
  readonly value?: U
  readonly error?: unknown
  readonly isFailed: boolean
}

export async function* parallelRows<T, U>(
  source: Batches<T>,
  work: ParallelFunction<T, U>,
  { concurrency, ordered = true }: ParallelOptions,
  run: Run,
): Batches<Awaited<U>> {
  // Loaded when it is needed: with it comes an HTTP client.
  const { mapConcurrent } = await import('../batch/index.ts')
  const results = mapConcurrent(originsOf(source), tryWork, {
    concurrency,
    ordered,
    signal: run.signal,
  })
  const outcomes = results[Symbol.asyncIterator]()
  const reader = new ReadAhead(outcomes, run.signal)
  try {
    for (;;) {
      const done = await reader.nextBatch()
      if (done.length === 0) return
      for (const outcome of done) rejectFailed(outcome)
      if (run.hasRejects) await run.flushRejects()
      if (ordered) yield* inOrder(done)
      else yield anyOrder(done)
    }
  } finally {
    // Resolves when nothing is running any more.
    await outcomes.return?.()
  }

  async function tryWork(
    origin: Origin<T>,
    context: { readonly signal: AbortSignal },
  ): Promise<Outcome<T, Awaited<U>>> {
    try {
      return { origin, value: await work(origin.row, context), isFailed: false }
    } catch (error) {
      return { origin, error, isFailed: true }
    }
  }

  function rejectFailed({ origin, error, isFailed }: Outcome<T, unknown>): void {
    if (isFailed) run.reject(origin.batch.placeOf(origin.index), error, origin.row)
  }
}

async function* originsOf<T>(source: Batches<T>): AsyncGenerator<Origin<T>, void, undefined> {
  for await (const batch of source) {
    for (const [index, row] of batch.rows.entries()) yield { row, batch, index }
  }
}

/** Neighbours of one batch stay together, so that it is known where each ends. */
function* inOrder<T, U>(outcomes: readonly Outcome<T, U>[]): Generator<RowBatch<U>> {
  for (let from = 0; from < outcomes.length;) {
    const batch = outcomes[from]?.origin.batch as RowBatch<T>
    let to = from
    while (outcomes[to]?.origin.batch === batch) to++
    const part = outcomes.slice(from, to)
    const endIndex = (part.at(-1)?.origin.index ?? 0) + 1
    const kept = part.filter(({ isFailed }) => !isFailed)
    yield new DerivedBatch(
      kept.map(({ value }) => value as U),
      batch,
      kept.map(({ origin }) => origin.index),
      endIndex < batch.rows.length ? endIndex : undefined,
    )
    from = to
  }
}

function anyOrder<T, U>(outcomes: readonly Outcome<T, U>[]): RowBatch<U> {
  const kept = outcomes.filter(({ isFailed }) => !isFailed)
  const places = kept.map(({ origin }) => origin.batch.placeOf(origin.index))
  const line = Math.max(1, ...places.map((place) => place.line))
  return new ListedBatch(
    kept.map(({ value }) => value as U),
    places,
    { line, byteOffset: undefined },
  )
}
