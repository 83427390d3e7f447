import { invalid, knownOptions, nonEmptyString, timerMs } from '../../core/index.ts'

/** Options of `sqliteEngine`. */
export interface SqliteEngineOptions {
  /**
   * The path of the database, which is created where it is missing. It may be one that your app keeps
   * its own tables in: then tasks can be stored in your transactions. On a local disk: SQLite's locks
   * do not work over most network file systems.
   */
  file: string
  /**
   * How long a process may be silent before its tasks are taken over. It reports five times in this
   * time, by a thread that a busy event loop does not hold up.
   *
   * @defaultValue 1_500
   */
  leaseMs?: number | undefined
  /**
   * How often a process that runs tasks looks for what other processes have enqueued.
   *
   * @defaultValue 25
   */
  pollMs?: number | undefined
  /**
   * How long to wait for the lock of the file, which all writers share.
   *
   * @defaultValue 5_000
   */
  lockTimeoutMs?: number | undefined
}

export type ResolvedSqliteOptions = {
  readonly [Key in keyof SqliteEngineOptions]-?: NonNullable<SqliteEngineOptions[Key]>
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveSqliteOptions(options: SqliteEngineOptions): ResolvedSqliteOptions {
  knownOptions('sqliteEngine', options, ['file', 'leaseMs', 'pollMs', 'lockTimeoutMs'])
  const { leaseMs = 1_500, pollMs = 25, lockTimeoutMs = 5_000 } = options
  const file = nonEmptyString('file', options.file)
  if (file === ':memory:' || file.startsWith('file:')) {
    invalid('file', 'the path of a file; what is in memory only would not survive', file)
  }
  return {
    file,
    leaseMs: timerMs('leaseMs', leaseMs),
    pollMs: timerMs('pollMs', pollMs),
    lockTimeoutMs: timerMs('lockTimeoutMs', lockTimeoutMs),
  }
}
