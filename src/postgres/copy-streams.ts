import type * as CopyStreams from 'pg-copy-streams'
import { loadPeer } from '../core/index.ts'

/**
 * Loads pg-copy-streams, which only those need who COPY.
 *
 * @throws HotpathError HOTPATH_PEER_MISSING
 */
export function loadCopyStreams(): Promise<typeof CopyStreams> {
  return loadPeer('COPY', 'pg-copy-streams', () => import('pg-copy-streams'))
}
