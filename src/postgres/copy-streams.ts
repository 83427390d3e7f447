import pg, { type PoolClient } from 'pg'
import type { Clock } from '../core/index.ts'
import { queryInvalid } from './errors.ts'

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

/**
 * Loads pg-copy-streams, which only those need who COPY.
 *
 * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID
 */
export async function loadCopyStreams(): Promise<typeof import('pg-copy-streams')> {
  try {
    return await import('pg-copy-streams')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw queryInvalid('COPY needs the package pg-copy-streams: npm install pg-copy-streams')
  }
}

/** The server has said what became of the COPY, and its connection is as good as before. */
export function isServersAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR'
}
