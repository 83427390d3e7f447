import pg from 'pg'
import {
  postgresEngine,
  redisEngine,
  sqliteEngine,
  type TaskEngine,
} from '../../../src/tasks/index.ts'

export type EngineKind = 'sqlite' | 'postgres' | 'redis'

/** @param store - a file, or the URL of a server */
export function openEngine(kind: EngineKind, store: string): TaskEngine<never, never> {
  const leaseMs = 500
  switch (kind) {
    case 'sqlite':
      return sqliteEngine({ file: store, leaseMs }) as TaskEngine<never, never>
    case 'redis':
      return redisEngine({ url: store, prefix: 'poison', leaseMs })
    case 'postgres': {
      const pool = new pg.Pool({ connectionString: store, allowExitOnIdle: true })
      // The database is dropped with its connections at the end.
      pool.on('error', () => {})
      return postgresEngine({ pool, leaseMs }) as TaskEngine<never, never>
    }
  }
}
