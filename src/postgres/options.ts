import type { ClientConfig } from 'pg'
import {
  HotpathError,
  knownOptions,
  invalid,
  nonEmptyString,
  nonNegativeInteger,
  positiveInteger,
  systemClock,
  timerMs,
  timerMsOrOff,
  type Clock,
} from '../core/index.ts'

/** What a pool is made with; every field has a default. */
export interface PoolOptions {
  /**
   * The pool's name in statistics and events.
   *
   * @defaultValue 'postgres'
   */
  name?: string | undefined
  /**
   * Connections that are opened at once and kept open while idle, so that no request waits for a
   * login.
   *
   * @defaultValue half of `maxConnections`, rounded down
   */
  minConnections?: number | undefined
  /**
   * Connections at most. Few are enough: queries share connections, and PostgreSQL works on as many
   * at a time as it has cores.
   *
   * @defaultValue 10
   */
  maxConnections?: number | undefined
  /**
   * Queries that may be under way on one connection at a time. `1` switches pipelining off.
   *
   * @defaultValue 32
   */
  maxPipelined?: number | undefined
  /**
   * Queries and borrowers that may wait for a connection; one more is refused at once.
   *
   * @defaultValue 10_000
   */
  maxWaiting?: number | undefined
  /**
   * Milliseconds that a query or borrower waits for a connection, and that opening one may take.
   *
   * @defaultValue 5_000
   */
  acquireTimeoutMs?: number | undefined
  /**
   * Milliseconds that a query may run before it is cancelled on the server; `false` for as long as
   * it takes. A query may set its own: `pool.query({ text, timeoutMs })`. It does not apply to the
   * queries on a borrowed client.
   *
   * @defaultValue 30_000
   */
  commandTimeoutMs?: number | false | undefined
  /**
   * Queries after which a connection is replaced, which gives back what the server's process has
   * gathered; `false` for never.
   *
   * @defaultValue 50_000
   */
  maxQueriesPerConnection?: number | false | undefined
  /**
   * Milliseconds after which an idle connection beyond `minConnections` is closed; `false` for never.
   *
   * @defaultValue 300_000
   */
  maxIdleMs?: number | false | undefined
  /**
   * Milliseconds after which an idle connection is asked whether it still stands before it is used,
   * which takes one round trip. One that does not answer within a second is closed. When a connection
   * has broken, all others are asked as well, whenever they answered last. `false` for never.
   *
   * @defaultValue 500
   */
  checkAfterIdleMs?: number | false | undefined
  /**
   * Milliseconds after which a connection is replaced, less up to a tenth by chance, so that they do
   * not all go at once; `false` for never.
   *
   * @defaultValue 1_800_000
   */
  maxLifetimeMs?: number | false | undefined
  /**
   * Query texts that the pool remembers, and so the statements that it keeps prepared on a connection
   * at most: a text is prepared from its second use on. `false` prepares nothing, as a PgBouncer in
   * transaction mode may need.
   *
   * @defaultValue 256
   */
  maxStatements?: number | false | undefined
  /**
   * Milliseconds after which a client that `connect()` gave and nobody released is reported, once, by
   * the event `leak` and on the channel `hotpath:postgres:leak`, with the stack of that call of
   * `connect()`. `false` for never: taking the stack makes borrowing about ten microseconds slower.
   *
   * @defaultValue false
   */
  leakDetectionMs?: number | false | undefined
  /**
   * Milliseconds that `end()` gives the work under way; then the connections are cut.
   *
   * @defaultValue 10_000
   */
  drainTimeoutMs?: number | undefined
  /** Where the pool reads the time. @defaultValue the system's clock */
  clock?: Clock | undefined
}

/** {@link PoolOptions} with every default filled in and every value checked. */
export interface ResolvedPoolOptions {
  readonly name: string
  readonly minConnections: number
  readonly maxConnections: number
  readonly maxPipelined: number
  readonly maxWaiting: number
  readonly acquireTimeoutMs: number
  readonly commandTimeoutMs: number | false
  readonly maxQueriesPerConnection: number | false
  readonly maxIdleMs: number | false
  readonly checkAfterIdleMs: number | false
  readonly maxLifetimeMs: number | false
  readonly maxStatements: number | false
  readonly leakDetectionMs: number | false
  readonly drainTimeoutMs: number
  readonly clock: Clock
}

const optionNames = [
  'name',
  'minConnections',
  'maxConnections',
  'maxPipelined',
  'maxWaiting',
  'acquireTimeoutMs',
  'commandTimeoutMs',
  'maxQueriesPerConnection',
  'maxIdleMs',
  'checkAfterIdleMs',
  'maxLifetimeMs',
  'maxStatements',
  'leakDetectionMs',
  'drainTimeoutMs',
  'clock',
]

export function resolvePoolOptions(options: PoolOptions): ResolvedPoolOptions {
  knownOptions('createPool', options, optionNames)
  const maxConnections = positiveInteger('maxConnections', options.maxConnections ?? 10)
  const minConnections = nonNegativeInteger(
    'minConnections',
    options.minConnections ?? Math.floor(maxConnections / 2),
  )
  if (minConnections > maxConnections) {
    invalid('minConnections', `at most maxConnections (${maxConnections})`, minConnections)
  }
  return {
    name: nonEmptyString('name', options.name ?? 'postgres'),
    minConnections,
    maxConnections,
    maxPipelined: positiveInteger('maxPipelined', options.maxPipelined ?? 32),
    maxWaiting: nonNegativeInteger('maxWaiting', options.maxWaiting ?? 10_000),
    acquireTimeoutMs: timerMs('acquireTimeoutMs', options.acquireTimeoutMs ?? 5_000),
    commandTimeoutMs: timerMsOrOff('commandTimeoutMs', options.commandTimeoutMs ?? 30_000),
    maxQueriesPerConnection: countOrOff(
      'maxQueriesPerConnection',
      options.maxQueriesPerConnection ?? 50_000,
    ),
    maxIdleMs: timerMsOrOff('maxIdleMs', options.maxIdleMs ?? 300_000),
    checkAfterIdleMs: timerMsOrOff('checkAfterIdleMs', options.checkAfterIdleMs ?? 500),
    maxLifetimeMs: timerMsOrOff('maxLifetimeMs', options.maxLifetimeMs ?? 1_800_000),
    maxStatements: countOrOff('maxStatements', options.maxStatements ?? 256),
    leakDetectionMs: timerMsOrOff('leakDetectionMs', options.leakDetectionMs ?? false),
    drainTimeoutMs: timerMs('drainTimeoutMs', options.drainTimeoutMs ?? 10_000),
    clock: options.clock ?? systemClock,
  }
}

// A pg.Pool's own option names would reach pg.Client, which ignores them: a limit that somebody
// set would be gone without a word.
const foreignNames: ReadonlyMap<string, string> = new Map([
  ['max', 'maxConnections'],
  ['min', 'minConnections'],
  ['connectionTimeoutMillis', 'acquireTimeoutMs'],
  ['idleTimeoutMillis', 'maxIdleMs'],
  ['maxUses', 'maxQueriesPerConnection'],
  ['maxLifetimeSeconds', 'maxLifetimeMs'],
  ['query_timeout', 'commandTimeoutMs'],
  ['pipeline', 'maxPipelined'],
  ['maxPipeline', 'maxPipelined'],
])

// What a pg.Pool takes and this pool has another way for.
const otherWays: ReadonlyMap<string, string> = new Map([
  ['onConnect', "pool.on('connect', (client) => ...), whose queries come before all others"],
  ['verify', "pool.on('connect', (client) => ...), whose queries come before all others"],
  ['allowExitOnIdle', 'await pool.end() when the work is done'],
  ['Client', "pg's own client, which this pool always uses"],
  ['log', "listen('hotpath:postgres:connection', ...)"],
])

export function resolveClientConfig(target: string | ClientConfig): ClientConfig {
  if (typeof target === 'string') return { connectionString: target, keepAlive: true }
  if (typeof target !== 'object' || target === null) {
    invalid('createPool', 'given a connection URL or the config of a pg.Client', target)
  }
  for (const name of Object.keys(target)) {
    const otherWay = otherWays.get(name)
    if (otherWay !== undefined) {
      throw new HotpathError(
        'HOTPATH_OPTION_INVALID',
        `the connection config has ${name}, an option of pg.Pool; instead there is ${otherWay}`,
      )
    }
    const own = foreignNames.get(name)
    if (own === undefined) continue
    throw new HotpathError(
      'HOTPATH_OPTION_INVALID',
      `the connection config has ${name}, which is ${own} here: createPool(config, { ${own} })`,
    )
  }
  return { keepAlive: true, ...target }
}

function countOrOff(name: string, value: number | false): number | false {
  return value === false ? false : positiveInteger(name, value)
}
