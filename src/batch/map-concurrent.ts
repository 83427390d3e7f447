import type { Source } from '../core/index.ts'
import { collectRun } from './map-collect.ts'
import { MapIterator } from './map-iterator.ts'
import {
  resolveMapOptions,
  type MapFunction,
  type MapOptions,
  type ResolvedMapOptions,
} from './map-options.ts'

/** How one item ended, with `onError: 'settle'`. */
export type Settled<R> =
  | { readonly ok: true; readonly value: R }
  | { readonly ok: false; readonly error: unknown }

/**
 * The results of {@link mapConcurrent}. Nothing happens before they are asked for, and each asking is
 * a run of its own over the source: an array can be mapped again, a stream only once.
 */
export interface ConcurrentMap<R> extends AsyncIterable<R> {
  /** Runs to the end and answers all results. Only what is running is bounded, not the array. */
  toArray(): Promise<R[]>
}

/**
 * Calls `fn` for each item of a source, at most `concurrency` at a time.
 *
 * Read with `for await`, it keeps memory constant: between the source and the loop are at most
 * 2 × `concurrency` items, half of them running and half of them done and waiting for the loop (or,
 * in the order of the source, for a slower one before them). Then the source is not read on.
 *
 * However it ends (done, an error, an abort, a `break`), nothing more is started, the signal that
 * `fn` was given is aborted, the source is closed, and only when the last running `fn` has ended does
 * the loop go on: nothing is left running behind it. A function that does not look at its signal
 * therefore holds up a `break` for as long as it takes.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID; from the results, what `fn` or the source threw, the
 * signal's reason, or {@link ItemsFailedError}
 *
 * @example
 * ```ts
 * import { mapConcurrent } from 'hotpath/batch'
 *
 * const lengths = await mapConcurrent(['a', 'bb'], async (word) => word.length).toArray() // [1, 2]
 *
 * const squares = mapConcurrent([1, 2, 3], async (n) => n * n, { concurrency: 2, ordered: false })
 * for await (const square of squares) console.log(square, lengths)
 * ```
 */
export function mapConcurrent<T, R>(
  source: Source<T>,
  fn: MapFunction<T, R>,
  options: MapOptions & { onError: 'settle' },
): ConcurrentMap<Settled<Awaited<R>>>
export function mapConcurrent<T, R>(
  source: Source<T>,
  fn: MapFunction<T, R>,
  options?: MapOptions & { onError?: 'throw' | 'collect' | undefined },
): ConcurrentMap<Awaited<R>>
export function mapConcurrent<T, R>(
  source: Source<T>,
  fn: MapFunction<T, R>,
  options: MapOptions = {},
): ConcurrentMap<unknown> {
  return new LazyMap(resolveMapOptions(source, fn, options))
}

class LazyMap<T> implements ConcurrentMap<unknown> {
  readonly #options: ResolvedMapOptions<T>

  constructor(options: ResolvedMapOptions<T>) {
    this.#options = options
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    return new MapIterator(this.#options)
  }

  toArray(): Promise<unknown[]> {
    return collectRun(this.#options)
  }
}
