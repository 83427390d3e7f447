import {
  invalid,
  knownOptions,
  nonEmptyString,
  positiveInteger,
  systemClock,
  timerMs,
  type Clock,
} from '../core/index.ts'

/** What does the work of a {@link Batcher}: a result for each input, in the same order. */
export type BatchFunction<T, R> = (
  inputs: readonly T[],
  context: BatchContext,
) => Promise<readonly (R | Error)[]> | readonly (R | Error)[]

/** What a {@link BatchFunction} is told besides its inputs. */
export interface BatchContext {
  /** Aborts when none of the callers waits any more. */
  readonly signal: AbortSignal
}

/** How {@link createBatcher} collects. */
export interface BatcherOptions {
  /** Names the batcher in the list of components. @defaultValue 'batcher' */
  name?: string | undefined
  /**
   * Inputs in one batch, at most. A full batch starts at once.
   *
   * @defaultValue 100
   */
  maxSize?: number | undefined
  /**
   * How long the first input of a batch waits for company. `false` waits until the running code has
   * had its turn (for everything that is asked for in the same tick).
   *
   * @defaultValue 5
   */
  maxDelayMs?: number | false | undefined
  /**
   * Batches that run at a time; what comes meanwhile is collected.
   *
   * @defaultValue 1
   */
  concurrency?: number | undefined
  /**
   * Inputs that wait for their batch to start, at most; further calls are refused.
   *
   * @defaultValue 10_000
   */
  maxQueue?: number | undefined
  clock?: Clock | undefined
}

/** The options of a batcher, checked. */
export interface ResolvedBatcherOptions {
  readonly name: string
  readonly maxSize: number
  readonly maxDelayMs: number | false
  readonly concurrency: number
  readonly maxQueue: number
  readonly clock: Clock
}

export function resolveBatcherOptions(options: BatcherOptions): ResolvedBatcherOptions {
  knownOptions('createBatcher', options, [
    'name',
    'maxSize',
    'maxDelayMs',
    'concurrency',
    'maxQueue',
    'clock',
  ])
  const { maxSize = 100, maxDelayMs = 5, concurrency = 1, maxQueue = 10_000 } = options
  if (maxQueue < maxSize) invalid('maxQueue', `at least maxSize (${maxSize})`, maxQueue)
  return {
    name: nonEmptyString('name', options.name ?? 'batcher'),
    maxSize: positiveInteger('maxSize', maxSize),
    maxDelayMs: maxDelayMs === false ? false : timerMs('maxDelayMs', maxDelayMs),
    concurrency: positiveInteger('concurrency', concurrency),
    maxQueue: positiveInteger('maxQueue', maxQueue),
    clock: options.clock ?? systemClock,
  }
}
