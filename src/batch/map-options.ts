import { invalid, knownOptions, positiveInteger, type Source } from '../core/index.ts'

/** What {@link mapConcurrent} calls for each item. What it throws counts as a rejection. */
export type MapFunction<T, R> = (item: T, context: MapContext) => R

/** What the function of {@link mapConcurrent} is told besides the item. */
export interface MapContext {
  /** The place of the item in the source, from 0. */
  readonly index: number
  /** Aborts when the run ends early: hand it to whatever the function waits for. */
  readonly signal: AbortSignal
}

/** How {@link mapConcurrent} works. */
export interface MapOptions {
  /**
   * How many items are worked on at a time.
   *
   * @defaultValue 10
   */
  concurrency?: number | undefined
  /**
   * Results come in the order of the source. With `false` each comes when it is done, so that a slow
   * one holds nobody up.
   *
   * @defaultValue true
   */
  ordered?: boolean | undefined
  /** Ends the run: the results reject with its reason. */
  signal?: AbortSignal | undefined
  /**
   * What a failed item does. `throw` ends the run with the first error; results that were ready before
   * it still come. `collect` goes on to the end and then throws one {@link ItemsFailedError} about all
   * that failed. `settle` never throws for an item: results are `{ ok: true, value }` or
   * `{ ok: false, error }`. A source that fails ends the run in any case.
   *
   * @defaultValue 'throw'
   */
  onError?: 'throw' | 'collect' | 'settle' | undefined
}

/** A run as it was asked for, checked. */
export interface ResolvedMapOptions<T> {
  readonly source: Source<T>
  readonly fn: MapFunction<T, unknown>
  readonly concurrency: number
  readonly ordered: boolean
  readonly signal: AbortSignal | undefined
  readonly onError: 'throw' | 'collect' | 'settle'
}

export function resolveMapOptions<T>(
  source: Source<T>,
  fn: MapFunction<T, unknown>,
  options: MapOptions,
): ResolvedMapOptions<T> {
  knownOptions('mapConcurrent', options, ['concurrency', 'ordered', 'signal', 'onError'])
  if (!isSource(source)) invalid('source', 'an array, an iterable or an async iterable', source)
  if (typeof fn !== 'function') invalid('fn', 'a function', fn)
  const { concurrency = 10, ordered = true, signal, onError = 'throw' } = options
  if (!['throw', 'collect', 'settle'].includes(onError)) {
    invalid('onError', "'throw', 'collect' or 'settle'", onError)
  }
  return {
    source,
    fn,
    concurrency: positiveInteger('concurrency', concurrency),
    ordered,
    signal,
    onError,
  }
}

function isSource(source: unknown): boolean {
  if (source === null || source === undefined) return false
  return Symbol.asyncIterator in Object(source) || Symbol.iterator in Object(source)
}
