import { ListedBatch, type RowBatch } from './row-batch.ts'
import type { Place } from './place.ts'
import type { Batches } from './row-steps.ts'

/** Makes arrays of `size` rows; the last one may be shorter. */
export async function* groupRows<T>(source: Batches<T>, size: number): Batches<readonly T[]> {
  for await (const { rows, end, start } of regroup(source, size)) {
    if (rows.length > 0) yield new ListedBatch([rows], [start()], end())
  }
}

/** Rows of neighbouring batches; their places are worked out when they are asked for. */
export interface Group<T> {
  readonly rows: readonly T[]
  start(): Place
  end(): Place
}

/** Cuts batches anew, into groups of exactly `size` rows but for the last one. */
export async function* regroup<T>(
  source: AsyncIterable<RowBatch<T>>,
  size: number,
): AsyncGenerator<Group<T>, void, undefined> {
  let held: T[] = []
  let start = (): Place => ({ line: 1, byteOffset: undefined })
  let end = start
  for await (const batch of source) {
    const { rows } = batch
    for (let from = 0; from < rows.length;) {
      if (held.length === 0) {
        const first = from
        start = () => batch.placeOf(first)
      }
      const to = Math.min(rows.length, from + size - held.length)
      const part = rows.slice(from, to)
      held = held.length === 0 ? part : held.concat(part)
      from = to
      if (held.length < size) continue
      yield { rows: held, start, end: () => (to < rows.length ? batch.placeOf(to) : batch.end) }
      held = []
    }
    end = () => batch.end
  }
  yield { rows: held, start, end }
}
