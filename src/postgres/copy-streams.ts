import type * as CopyStreams from 'pg-copy-streams'
import { queryInvalid } from './errors.ts'

/**
 * Loads pg-copy-streams, which only those need who COPY.
 *
 * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID
 */
export async function loadCopyStreams(): Promise<typeof CopyStreams> {
  try {
    return await import('pg-copy-streams')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw queryInvalid('COPY needs the package pg-copy-streams: npm install pg-copy-streams')
  }
}
