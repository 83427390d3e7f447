import {
  invalid,
  knownOptions,
  nonEmptyString,
  nonNegativeInteger,
  positiveInteger,
  systemClock,
  type Clock,
  type Sink,
} from '../core/index.ts'
import type { Place } from './place.ts'
import type { StreamProgress } from './progress.ts'
import type { RejectedRow } from './rejects.ts'

/**
 * An async function that takes rows, a batch at a time. The second argument is where to begin (the
 * option `from`) once these rows are safe: store it together with them, and a run that is killed
 * goes on without losing or repeating one.
 */
export type SinkFunction<T> = (rows: readonly T[], next: Place) => unknown

/** What becomes of rows that fail. */
export interface RejectOptions {
  /**
   * Where they go, with line, byte offset and reason. It is closed at the end, also of a run that
   * fails, so that what it holds can be read.
   *
   * @defaultValue the first one that fails ends the run with a {@link RowError}
   */
  rejects?: Sink<RejectedRow, unknown> | SinkFunction<RejectedRow> | undefined
  /**
   * How many there may be before the run fails; `false` is no bound.
   *
   * @defaultValue 1_000
   */
  maxRejects?: number | false | undefined
  /** Stops between two batches; the sink is aborted and the source closed. */
  signal?: AbortSignal | undefined
}

/** How rows are delivered. */
export interface DeliverOptions extends RejectOptions {
  /**
   * Rows that the sink is handed at once. Without it the sink gets them as they were read: about
   * 64 kB of text, or what a source had ready.
   */
  batchSize?: number | undefined
  /** Told how far it is, five times a second and at the end. */
  onProgress?: ((progress: StreamProgress) => void) | undefined
  /**
   * Draws a bar on standard error, if that is a terminal.
   *
   * @defaultValue false
   */
  progressBar?: boolean | undefined
  /** Its name in `hotpath:stream:progress`. @defaultValue 'stream' */
  name?: string | undefined
  /** For tests. @defaultValue the system's clock */
  clock?: Clock | undefined
}

export interface ResolvedRejectOptions {
  readonly rejects: Sink<RejectedRow, unknown> | SinkFunction<RejectedRow> | undefined
  readonly maxRejects: number | false
  readonly signal: AbortSignal | undefined
}

export interface ResolvedDeliverOptions extends ResolvedRejectOptions {
  readonly batchSize: number | undefined
  readonly onProgress: ((progress: StreamProgress) => void) | undefined
  readonly progressBar: boolean
  readonly name: string
  readonly clock: Clock
}

const rejectNames = ['rejects', 'maxRejects', 'signal']

export function resolveRejectOptions(options: RejectOptions): ResolvedRejectOptions {
  knownOptions('a run', options, rejectNames)
  return rejectOptions(options)
}

export function resolveDeliverOptions(options: DeliverOptions): ResolvedDeliverOptions {
  knownOptions('to', options, [
    ...rejectNames,
    'batchSize',
    'onProgress',
    'progressBar',
    'name',
    'clock',
  ])
  const { batchSize, onProgress, progressBar = false, name, clock = systemClock } = options
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    invalid('onProgress', 'a function', onProgress)
  }
  return {
    ...rejectOptions(options),
    batchSize: batchSize === undefined ? undefined : positiveInteger('batchSize', batchSize),
    onProgress,
    progressBar,
    name: nonEmptyString('name', name ?? 'stream'),
    clock,
  }
}

function rejectOptions({ rejects, maxRejects = 1_000, signal }: RejectOptions) {
  return {
    rejects,
    maxRejects: maxRejects === false ? maxRejects : nonNegativeInteger('maxRejects', maxRejects),
    signal,
  } satisfies ResolvedRejectOptions
}
