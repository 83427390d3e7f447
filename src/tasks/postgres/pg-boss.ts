import { loadPeer } from '../../core/index.ts'
import type { PostgresRows, PostgresTaskPool } from './options.ts'

/**
 * What the engine asks of pg-boss 12. Written down here, because pg-boss' declarations name types that
 * it does not publish: to import them would break the build of whoever checks their libraries.
 */
export interface PgBoss {
  on(event: 'error', listener: (error: Error) => void): unknown
  start(): Promise<unknown>
  stop(options: { graceful: boolean }): Promise<void>
  createQueue(name: string, options: { policy: 'exclusive' }): Promise<void>
  /** The ids of those that were stored; null for none. Those in conflict with others are left out. */
  insert(
    name: string,
    jobs: object[],
    options: { returnId: true; db: PgBossDatabase },
  ): Promise<string[] | null>
  fetch(
    name: string,
    options: { batchSize: number; db?: PgBossDatabase },
  ): Promise<{ id: string; data: unknown; retryCount: number }[]>
  cancel(name: string, id: string): Promise<unknown>
}

/** What pg-boss runs its statements on. */
export interface PgBossDatabase {
  executeSql(text: string, values?: unknown[]): Promise<PostgresRows>
}

interface PgBossOptions {
  readonly db: PgBossDatabase
  readonly schema: string
  readonly schedule: boolean
  readonly maintenanceIntervalSeconds: number
}

export function databaseOver(on: Pick<PostgresTaskPool, 'query'>): PgBossDatabase {
  return { executeSql: (text, values) => on.query(text, values) }
}

/** @throws HotpathError HOTPATH_PEER_MISSING */
export async function loadPgBoss(): Promise<new (options: PgBossOptions) => PgBoss> {
  // As a variable, so that the compiler does not look into the package.
  const name: string = 'pg-boss'
  const { PgBoss: Boss } = await loadPeer(
    'postgresEngine',
    'pg-boss @opentelemetry/api',
    () => import(name) as Promise<{ PgBoss: new (options: PgBossOptions) => PgBoss }>,
  )
  return Boss
}
