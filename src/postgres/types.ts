import type { Pool, PoolClient, QueryArrayResult, QueryResult, QueryResultRow } from 'pg'
import type { DurationBuckets } from '../core/index.ts'
import type { CloseReason } from './connection-owner.ts'
import type { CopySink } from './copy-sink.ts'
import type { CopyOptions, TransactionCopyOptions } from './copy-options.ts'
import type { QueryOptions } from './query-input.ts'
import type { SizingHint, SizingOptions } from './sizing.ts'
import type { SqlQuery } from './sql-fragment.ts'
import type { TransactionOptions } from './transaction-options.ts'

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
  /**
   * Runs `work` in a transaction and commits it when the promise of `work` resolves; rolls it back when
   * it rejects, and rejects with the same. After a serialization failure or a deadlock, `work` is called
   * again: it should do nothing but query.
   *
   * A query that fails fails the transaction, also if `work` catches its error: PostgreSQL takes nothing
   * more after it. `tx.transaction` sets a savepoint to come back to.
   *
   * @throws HotpathError HOTPATH_POSTGRES_OUTCOME_UNKNOWN when the connection broke, or the time ran
   * out, while it was being committed: this is not retried
   * @throws HotpathError HOTPATH_POSTGRES_QUERY_TIMEOUT, HOTPATH_POSTGRES_QUERY_INVALID,
   * HOTPATH_POSTGRES_POOL_EXHAUSTED, HOTPATH_OPTION_INVALID
   *
   * @example
   * ```ts
   * await pool.transaction(
   *   async (tx) => {
   *     await tx.query(sql`update accounts set balance = balance - ${10} where id = ${1}`)
   *     await tx.query(sql`update accounts set balance = balance + ${10} where id = ${2}`)
   *   },
   *   { isolation: 'serializable' },
   * )
   * ```
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Loads rows into a table by COPY, all or none: a sink for `drain`, on a connection of its own from
   * the first batch to the end. Values become what they would be as parameters of an INSERT; every
   * column needs one. Needs the package `pg-copy-streams`.
   *
   * @param table - its name, or `sql.id('schema', 'table')`
   * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID; `close` also HOTPATH_POSTGRES_OUTCOME_UNKNOWN
   * when the connection broke before the server had confirmed the end
   *
   * @example
   * ```ts
   * import { drain } from 'hotpath'
   *
   * const users = [[1, 'Ada'], { id: 2, name: 'Grace' }]
   * const count = await drain(users, pool.copyInto('users', ['id', 'name'])) // 2
   * ```
   */
  copyInto(
    table: string | SqlQuery<unknown>,
    columns: readonly string[],
    options?: CopyOptions,
  ): CopySink
  /**
   * Reads a table, or the rows of a query without parameters, by COPY: each row as the texts of its
   * fields, with constant memory. Leaving the loop early closes the connection. Needs the package
   * `pg-copy-streams`.
   *
   * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID
   *
   * @example
   * ```ts
   * for await (const [id, name] of pool.copyFrom(sql`select id, name from users`)) write(id, name)
   * ```
   */
  copyFrom(
    from: string | SqlQuery<unknown>,
    options?: CopyOptions,
  ): AsyncIterable<(string | null)[]>
  /** What the pool is doing, and what it has done. */
  stats(): PoolStats
  /**
   * What the load of the last five minutes says about `maxConnections`, in figures and in words.
   *
   * @throws HotpathError HOTPATH_OPTION_INVALID
   *
   * @example
   * ```ts
   * const { verdict, advice } = pool.sizingHint({ waitingRatio: 0.01 })
   * if (verdict === 'raise') console.warn(advice)
   * ```
   */
  sizingHint(options?: SizingOptions): SizingHint
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

/** What the work of `pool.transaction` is given; it refuses queries once the work is done. */
export interface Transaction {
  /** Runs a query in the transaction. Queries run one after the other, awaited or not. */
  query: SqlQueryForm &
    (<Row extends unknown[]>(
      config: QueryOptions & { rowMode: 'array' },
      values?: unknown[],
    ) => Promise<QueryArrayResult<Row>>) &
    (<Row extends QueryResultRow = Record<string, unknown>>(
      query: string | QueryOptions,
      values?: unknown[],
    ) => Promise<QueryResult<Row>>)
  /**
   * Does `work` behind a savepoint: when it rejects, what it did is rolled back, and the outer
   * transaction may go on. Until it is done, only its own `tx` takes queries.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /**
   * Loads rows into a table by COPY, like `pool.copyInto`, as part of the transaction. From its first
   * batch until its `close` or `abort` the transaction takes no queries, and a COPY that fails or is
   * aborted fails it, as a query does.
   *
   * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID
   *
   * @example
   * ```ts
   * await pool.transaction(async (tx) => {
   *   await tx.query('truncate users')
   *   await drain(users, tx.copyInto('users', ['id', 'name'], { freeze: true }))
   * })
   * ```
   */
  copyInto(
    table: string | SqlQuery<unknown>,
    columns: readonly string[],
    options?: TransactionCopyOptions,
  ): CopySink
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
  /** How long those have waited that got a connection. */
  readonly waits: DurationBuckets
  /** Waits that took longer than `acquireTimeoutMs`. */
  readonly acquireTimeouts: number
  /** Clients that were held for longer than `leakDetectionMs`. */
  readonly leaks: number
  /** Requests to the server to cancel a query that had timed out or been aborted. */
  readonly cancels: number
  readonly opened: number
  readonly closed: Readonly<Record<CloseReason, number>>
}
