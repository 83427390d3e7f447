import type { ClientConfig } from 'pg'
import { resolveClientConfig, resolvePoolOptions, type PoolOptions } from './options.ts'
import { HotpathPool } from './pool.ts'
import type { PostgresPool } from './types.ts'

export type { CloseReason } from './connection.ts'
export {
  expectNoRepeatedQueries,
  findRepeatedQueries,
  traceQueries,
  type CallSite,
  type PgModule,
  type RepeatedQuery,
  type RepeatedQueryOptions,
  type TracedRequest,
} from './evidence/index.ts'
export type { PoolOptions } from './options.ts'
export type { QueryOptions } from './query-input.ts'
export type { PoolStats, PostgresPool } from './types.ts'

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
