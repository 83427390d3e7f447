import type { FetchInput } from './fetch-request.ts'

/** What became of one request of {@link fetchAll}. */
export type FetchResult<T> = FetchSuccess<T> | FetchFailure

/** A request that was answered with a 2xx status. */
export interface FetchSuccess<T> extends FetchEnd {
  readonly ok: true
  /** The body, parsed. */
  readonly value: T
  readonly status: number
}

/** A request that has no value. Its error is a {@link FetchError}. */
export interface FetchFailure extends FetchEnd {
  readonly ok: false
  readonly error: unknown
  /** The status of the last answer, where there was one. */
  readonly status: number | undefined
}

/** What every result tells. */
export interface FetchEnd {
  /** The request as it was given. */
  readonly request: FetchInput
  /** Requests that were sent for it, hedges included; 0 where none could be. */
  readonly attempts: number
  /** From its start to its end, waiting between attempts included. */
  readonly durationMs: number
}
