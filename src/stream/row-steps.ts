import { DerivedBatch, type RowBatch } from './row-batch.ts'
import type { Run } from './run.ts'

/** Batches on their way through a pipeline. */
export type Batches<T> = AsyncGenerator<RowBatch<T>, void, undefined>

/** A function of a row; it is awaited only where it gives a promise. */
export type RowFunction<T, U> = (row: T) => U | PromiseLike<U>

export async function* mapRows<T, U>(
  source: Batches<T>,
  change: RowFunction<T, U>,
  run: Run,
): Batches<Awaited<U>> {
  for await (const batch of source) {
    const rows: Awaited<U>[] = []
    const origins: number[] = []
    await forEachRow(batch, change, run, (value, index) => {
      rows.push(value)
      origins.push(index)
    })
    yield derived(rows, batch, origins)
  }
}

export async function* filterRows<T>(
  source: Batches<T>,
  isWanted: RowFunction<T, unknown>,
  run: Run,
): Batches<T> {
  for await (const batch of source) {
    const rows: T[] = []
    const origins: number[] = []
    await forEachRow(batch, isWanted, run, (value, index) => {
      if (!value) return
      rows.push(batch.rows[index] as T)
      origins.push(index)
    })
    const areFew = rows.length < batch.rows.length / 4
    yield derived(areFew ? rows.map(detached) : rows, batch, origins)
  }
}

export async function* tapRows<T>(
  source: Batches<T>,
  look: RowFunction<T, unknown>,
  run: Run,
): Batches<T> {
  for await (const batch of source) {
    const rows: T[] = []
    const origins: number[] = []
    await forEachRow(batch, look, run, (_nothing, index) => {
      rows.push(batch.rows[index] as T)
      origins.push(index)
    })
    yield derived(rows, batch, origins)
  }
}

// So that a row which becomes a great many does not fill the memory.
const flatRows = 1_000

export async function* flatMapRows<T, U>(
  source: Batches<T>,
  expand: RowFunction<T, Iterable<U>>,
  run: Run,
): Batches<U> {
  for await (const batch of source) {
    let rows: U[] = []
    let origins: number[] = []
    for (const [index, row] of batch.rows.entries()) {
      try {
        const made = expand(row)
        for (const value of isPromise(made) ? await made : made) {
          rows.push(value)
          origins.push(index)
          if (rows.length < flatRows) continue
          yield new DerivedBatch(rows, batch, origins, index)
          rows = []
          origins = []
        }
      } catch (error) {
        run.reject(batch.placeOf(index), error, row)
      }
    }
    if (run.hasRejects) await run.flushRejects()
    yield new DerivedBatch(rows, batch, origins)
  }
}

export async function* takeRows<T>(source: Batches<T>, count: number): Batches<T> {
  let left = count
  if (left === 0) return
  for await (const batch of source) {
    if (batch.rows.length >= left) {
      const endIndex = batch.rows.length > left ? left : undefined
      yield new DerivedBatch(batch.rows.slice(0, left), batch, undefined, endIndex)
      return
    }
    left -= batch.rows.length
    yield batch
  }
}

/**
 * Calls a function for every row of a batch and hands on what it gives, or awaits it first where it
 * is a promise. A row on which it fails is rejected.
 */
async function forEachRow<T, U>(
  batch: RowBatch<T>,
  call: RowFunction<T, U>,
  run: Run,
  take: (value: Awaited<U>, index: number) => void,
): Promise<void> {
  for (let index = 0; index < batch.rows.length; index++) {
    const waiting = callUntilPromise(batch, index, call, run, take)
    if (waiting === undefined) break
    index = waiting.index
    try {
      take(await waiting.promise, index)
    } catch (error) {
      run.reject(batch.placeOf(index), error, batch.rows[index])
    }
  }
  if (run.hasRejects) await run.flushRejects()
}

function callUntilPromise<T, U>(
  batch: RowBatch<T>,
  from: number,
  call: RowFunction<T, U>,
  run: Run,
  take: (value: Awaited<U>, index: number) => void,
): { readonly index: number; readonly promise: PromiseLike<Awaited<U>> } | undefined {
  const { rows } = batch
  for (let index = from; index < rows.length; index++) {
    const row = rows[index] as T
    try {
      const value = call(row)
      if (isPromise(value)) return { index, promise: value as PromiseLike<Awaited<U>> }
      take(value as Awaited<U>, index)
    } catch (error) {
      run.reject(batch.placeOf(index), error, row)
    }
  }
  return undefined
}

function isPromise<U>(value: U | PromiseLike<U>): value is PromiseLike<U> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

function derived<T>(
  rows: readonly T[],
  batch: RowBatch<unknown>,
  origins: readonly number[],
): RowBatch<T> {
  return new DerivedBatch(rows, batch, rows.length === batch.rows.length ? undefined : origins)
}

// V8 keeps a line as a part of the text that it was cut from: who picks a few lines and keeps them
// would keep all of them.
function detached<T>(row: T): T {
  return typeof row === 'string' && row.isWellFormed() ? (Buffer.from(row).toString() as T) : row
}
