import { invalid, knownOptions, timerMs } from '../../core/index.ts'

/** How `postgresEngine` works. */
export interface PostgresEngineOptions {
  /**
   * A pool of `createPool` from `hotpath/postgres`, or a `pg.Pool`. It stays its maker's: close it after
   * the tasks. Its deadlines are the engine's: `commandTimeoutMs` there, `query_timeout` here. Each
   * running attempt of a transactional task holds one of its connections: it must have more than those.
   */
  pool: PostgresTaskPool
  /**
   * The schema that pg-boss creates and keeps up to date at the start. The role needs the right to
   * create it.
   *
   * @defaultValue `'hotpath_tasks'`
   */
  schema?: string | undefined
  /**
   * Milliseconds that an attempt may go without a sign of life before another worker takes its task
   * over. The sign is given five times within it, so a handler that blocks the event loop for longer
   * loses its task.
   *
   * @defaultValue 6,000
   */
  leaseMs?: number | undefined
  /**
   * Milliseconds between two looks for tasks that another process enqueued; those of this process are
   * begun at once.
   *
   * @defaultValue 500
   */
  pollMs?: number | undefined
}

/** The part of a `pg.Pool` that the engine needs. */
export interface PostgresTaskPool {
  /** How many connections it has at most. */
  readonly options?: { readonly max?: number | undefined } | undefined
  query(text: string, values?: unknown[]): Promise<PostgresRows>
  connect(): Promise<PostgresTransaction & { release(error?: Error | boolean): void }>
}

/** Runs queries in a transaction: a client of `pg`, or the `tx` of `pool.transaction`. */
export interface PostgresTransaction {
  query(text: string, values?: unknown[]): Promise<PostgresRows>
}

export interface PostgresRows {
  // oxlint-disable-next-line typescript/no-explicit-any -- as pg types the rows of a text
  readonly rows: any[]
}

/** {@link PostgresEngineOptions} with every default filled in and every value checked. */
export interface ResolvedPostgresEngineOptions {
  readonly pool: PostgresTaskPool
  readonly schema: string
  readonly leaseMs: number
  readonly pollMs: number
}

// It becomes part of the SQL.
const schemaShape = /^[a-z_][a-z0-9_]{0,49}$/

export function resolvePostgresEngineOptions(
  options: PostgresEngineOptions,
): ResolvedPostgresEngineOptions {
  knownOptions('postgresEngine', options, ['pool', 'schema', 'leaseMs', 'pollMs'])
  const { pool, schema = 'hotpath_tasks', leaseMs = 6_000, pollMs = 500 } = options
  if (typeof pool?.query !== 'function' || typeof pool.connect !== 'function') {
    invalid('pool', 'a pool of createPool or a pg.Pool', pool)
  }
  if (typeof schema !== 'string' || !schemaShape.test(schema)) {
    invalid('schema', 'a lower-case name of letters, digits and _', schema)
  }
  return {
    pool,
    schema,
    leaseMs: timerMs('leaseMs', leaseMs),
    pollMs: timerMs('pollMs', pollMs),
  }
}
