import { ask } from './json-client.ts'

/** What the hotpath build's response cache has counted since it started. */
export interface CacheCounts {
  readonly hits: number
  readonly misses: number
}

interface Component {
  readonly kind: string
  readonly stats: CacheCounts
}

/** Reads the counts from `/hotpath/stats`. */
export async function readCacheCounts(port: number, signal: AbortSignal): Promise<CacheCounts> {
  const { body } = await ask(port, { method: 'GET', path: '/hotpath/stats' }, signal)
  const caches = (body as Component[]).filter(({ kind }) => kind === 'response-cache')
  if (caches[0] === undefined) throw new Error('/hotpath/stats shows no response cache')
  return caches[0].stats
}

/** The share of hits among the requests between two readings. */
export function hitRatioBetween(before: CacheCounts, after: CacheCounts): number {
  const hits = after.hits - before.hits
  return hits / (hits + after.misses - before.misses)
}
