import pg from 'pg'
import { postgresEngine, redisEngine, type TaskEngine } from '../../../src/tasks/index.ts'

export type PoisonedKind = 'postgres' | 'redis'

export function openEngine(kind: PoisonedKind, url: string): TaskEngine<never, never> {
  if (kind === 'redis') return redisEngine({ url, prefix: 'poison', leaseMs: 500 })
  const pool = new pg.Pool({ connectionString: url, allowExitOnIdle: true })
  // The database is dropped with its connections at the end.
  pool.on('error', () => {})
  return postgresEngine({ pool, leaseMs: 500 }) as TaskEngine<never, never>
}
