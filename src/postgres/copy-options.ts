import pg, { type PoolClient } from 'pg'
import type { Clock } from '../core/index.ts'

/** How a COPY works. */
export interface CopyOptions {
  /** Stops it; a COPY into a table leaves nothing then. */
  signal?: AbortSignal | undefined
}

/** Where a COPY finds its connection. */
export interface CopyHost {
  readonly clock: Clock
  connect(): Promise<PoolClient>
}

/** The server has said what became of the COPY, and its connection is as good as before. */
export function isServersAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR'
}
