import type { ClientConfig } from 'pg'
import { resolveClientConfig, resolvePoolOptions, type PoolOptions } from './options.ts'
import { HotpathPool } from './pool.ts'
import type { PostgresPool } from './types.ts'

export type { CloseReason } from './connection-owner.ts'
export type { CopyRow, CopySink } from './copy-sink.ts'
export type { CopyOptions, TransactionCopyOptions } from './copy-options.ts'
export {
  expectNoRepeatedQueries,
  findRepeatedQueries,
  traceQueries,
  warnOfRepeatedQueries,
  type CallSite,
  type PgModule,
  type RepeatedQuery,
  type RepeatedQueryOptions,
  type TracedRequest,
} from './evidence/index.ts'
export type { PoolOptions } from './options.ts'
export type { QueryOptions } from './query-input.ts'
export { sql, type Sql } from './sql.ts'
export type { SqlQuery } from './sql-fragment.ts'
export { loadBy, type LoadByOptions, type LoadByPool } from './load-by.ts'
export type { BatchFunction } from './loader-batch.ts'
export type { LoaderOptions } from './loader-options.ts'
export { createLoader, type Loader } from './loader.ts'
export {
  explain,
  type ExplainedQuery,
  type ExplainOptions,
  type Explanation,
  type SequentialScan,
} from './explain.ts'
export type { IndexTrial } from './index-trial.ts'
export type { PlanNode } from './plan.ts'
export type { KeysetColumn, KeysetOptions } from './keyset-options.ts'
export { keyset, type Keyset, type Page, type Queryable } from './keyset.ts'
export type { ColumnKey } from './key-column.ts'
export type { Isolation, TransactionOptions } from './transaction-options.ts'
export type { NoSizing, Sizing, SizingHint, SizingOptions } from './sizing.ts'
export type { PoolStats, PostgresPool, Transaction } from './types.ts'

/**
 * Makes a pool of PostgreSQL connections with the shape of `pg.Pool`. Reads share connections
 * (pipelining) and are prepared by themselves; writes and whatever touches the session travel on a
 * connection that nobody else uses meanwhile; a query that times out or is aborted is cancelled on
 * the server.
 *
 * @param target - a connection URL, or the config of a `pg.Client`
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createPool } from 'hotpath/postgres'
 *
 * await using pool = createPool('postgres://app@localhost/shop', { maxConnections: 10 })
 * const { rows } = await pool.query('select id, name from users where id = $1', [42])
 *
 * await pool.query({
 *   text: 'select count(*) from votes',
 *   timeoutMs: 200,
 *   signal: AbortSignal.timeout(500),
 * })
 * ```
 */
export function createPool(target: string | ClientConfig, options: PoolOptions = {}): PostgresPool {
  return new HotpathPool(resolveClientConfig(target), resolvePoolOptions(options))
}
