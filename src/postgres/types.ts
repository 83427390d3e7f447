import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg'
import type { CloseReason } from './connection.ts'
import type { QueryOptions } from './query-input.ts'
import type { SqlQuery } from './sql-fragment.ts'

/**
 * A pool of PostgreSQL connections with the shape of `pg.Pool`: what takes one of those (Kysely,
 * Drizzle, your own code) takes this. Beyond it, a query may carry a `signal` and a `timeoutMs`.
 *
 * Events, as on `pg.Pool`: `connect`, `acquire`, `release`, `remove` with the client, and `error` with
 * an error of a connection that nobody had borrowed. An `error` without a listener is dropped: the
 * connection has been replaced already.
 */
export interface PostgresPool extends PoolAndLeaks, AsyncDisposable {
  /** Runs one query on a connection that it may share with others. */
  query: SqlQueryForm &
    Pool['query'] &
    (<Row extends QueryResultRow = Record<string, unknown>>(
      options: QueryOptions,
    ) => Promise<QueryResult<Row>>)
  /** What the pool is doing, and what it has done. */
  stats(): PoolStats
  /** The same as `end()`. */
  close(): Promise<void>
}

/** A query written with `sql`, which knows the type of its rows. */
export type SqlQueryForm = <Row extends QueryResultRow>(
  query: SqlQuery<Row>,
) => Promise<QueryResult<Row>>

/** A `pg.Pool` that also reports clients which nobody releases, see `leakDetectionMs`. */
type PoolAndLeaks = Pool & {
  on(event: 'leak', listener: (site: Error, client: PoolClient) => void): Pool
}

/** A snapshot of a pool. */
export interface PoolStats {
  /** Connections that stand. */
  readonly connections: number
  readonly maxConnections: number
  /** Connections that are being opened. */
  readonly opening: number
  readonly idle: number
  /** Connections with at least one query under way, or lent. */
  readonly busy: number
  /** Connections that `connect()` gave to a borrower who has not released them yet. */
  readonly lent: number
  /** Queries that are sent and not answered. */
  readonly inFlight: number
  /** Queries and borrowers that wait for a connection. */
  readonly waiting: number
  /** Since the pool was made: */
  readonly queries: number
  readonly errors: number
  /** Waits that took longer than `acquireTimeoutMs`. */
  readonly acquireTimeouts: number
  /** Clients that were held for longer than `leakDetectionMs`. */
  readonly leaks: number
  /** Requests to the server to cancel a query that had timed out or been aborted. */
  readonly cancels: number
  readonly opened: number
  readonly closed: Readonly<Record<CloseReason, number>>
}
