import type { CustomTypesConfig } from 'pg'
import { timerMsOrOff } from '../core/index.ts'
import { queryInvalid } from './errors.ts'
import type { QueryRequest } from './flight.ts'

/** The config form of a query: pg's own fields, and two of the pool. */
export interface QueryOptions {
  text: string
  values?: unknown[] | undefined
  name?: string | undefined
  rowMode?: 'array' | undefined
  types?: CustomTypesConfig | undefined
  queryMode?: 'extended' | undefined
  /** Cancels the query on the server; the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Milliseconds that this query may run, instead of the pool's `commandTimeoutMs`; `false`: no limit. */
  timeoutMs?: number | false | undefined
}

/** Every way to call `pool.query`, as pg.Pool takes them. */
export type QueryInput = string | QueryOptions

/** What `pool.query` was asked to do. */
export interface AskedQuery {
  readonly request: QueryRequest
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number | false | undefined
}

/**
 * Reads what `pool.query` was given.
 *
 * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID
 */
export function readQuery(input: QueryInput, values: unknown): AskedQuery {
  if (typeof input === 'string') {
    return { request: request({ text: input }, values), signal: undefined, timeoutMs: undefined }
  }
  if (typeof input !== 'object' || input === null) {
    throw queryInvalid('pool.query needs a text, or a config object that has one')
  }
  const { signal, timeoutMs } = input
  if (timeoutMs !== undefined) timerMsOrOff('timeoutMs', timeoutMs)
  return { request: request(input, values), signal, timeoutMs }
}

function request(options: QueryOptions, extraValues: unknown): QueryRequest {
  const { text, name, rowMode, types, queryMode } = options
  const values = extraValues ?? options.values ?? undefined
  if (typeof text !== 'string') {
    throw queryInvalid(`the text of a query must be a string, not ${typeof text}`)
  }
  if (values !== undefined && !Array.isArray(values)) {
    throw queryInvalid(`the values of a query must be an array, not ${typeof values}`)
  }
  return { text, values, name, rowMode, types, queryMode }
}
