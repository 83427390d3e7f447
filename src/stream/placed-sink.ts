import { invalid, type Sink } from '../core/index.ts'
import type { SinkFunction } from './deliver-options.ts'
import type { Place } from './place.ts'

/** A sink as the pipeline uses it. */
export interface PlacedSink<T, Result> {
  /** @param next where to go on once these rows are safe, for who wants to know */
  write(rows: readonly T[], next: () => Place): Promise<unknown>
  close(): Promise<Result>
  abort(reason: unknown): Promise<void>
  /** Aborted when nobody takes its rows any more. */
  readonly signal: AbortSignal | undefined
}

/** A sink that may know by itself that its rows have nowhere to go. */
export type SignallingSink<T, Result> = Sink<T, Result> & {
  readonly signal?: AbortSignal | undefined
}

export function placedSink<T, Result>(
  target: SignallingSink<T, Result> | SinkFunction<T>,
): PlacedSink<T, Result> {
  if (typeof target === 'function') {
    return {
      write: async (rows, next) => target(rows, next()),
      close: async () => undefined as Result,
      abort: async () => {},
      signal: undefined,
    }
  }
  if (typeof target !== 'object' || target === null || typeof target.write !== 'function') {
    return invalid('sink', 'a sink or an async function', target)
  }
  return {
    write: (rows) => target.write(rows),
    close: () => target.close(),
    abort: async (reason) => target.abort(reason),
    signal: target.signal,
  }
}
