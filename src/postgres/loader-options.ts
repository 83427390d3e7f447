import {
  invalid,
  knownOptions,
  positiveInteger,
  systemClock,
  timerMs,
  type Clock,
} from '../core/index.ts'

/** How a loader gathers and keeps; every field has a default. */
export interface LoaderOptions {
  /**
   * Keys in one batch at most; as soon as so many are waiting they leave.
   *
   * @defaultValue 1_000
   */
  maxBatch?: number | undefined
  /**
   * Milliseconds that a key waits at most for the batch before it to return.
   *
   * @defaultValue 5
   */
  maxWaitMs?: number | undefined
  /**
   * Values that are kept within one request; beyond it the oldest go.
   *
   * @defaultValue 10_000
   */
  maxEntries?: number | undefined
  /** Where the loader reads the time. @defaultValue the system's clock */
  clock?: Clock | undefined
}

export interface ResolvedLoaderOptions {
  readonly maxBatch: number
  readonly maxWaitMs: number
  readonly maxEntries: number
  readonly clock: Clock
}

export function resolveLoaderOptions(
  batch: unknown,
  options: LoaderOptions,
): ResolvedLoaderOptions {
  if (typeof batch !== 'function') invalid('batch', 'a function of keys', batch)
  knownOptions('createLoader', options, ['maxBatch', 'maxWaitMs', 'maxEntries', 'clock'])
  return {
    maxBatch: positiveInteger('maxBatch', options.maxBatch ?? 1_000),
    maxWaitMs: timerMs('maxWaitMs', options.maxWaitMs ?? 5),
    maxEntries: positiveInteger('maxEntries', options.maxEntries ?? 10_000),
    clock: options.clock ?? systemClock,
  }
}
