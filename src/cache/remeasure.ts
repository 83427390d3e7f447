import type { Cache } from './cache.ts'
import { TieredCache } from './tiered-cache.ts'

/**
 * Tells a cache that a value in its memory has grown since it was kept. For the response cache, which
 * adds encoded forms to a response when they are first asked for, and for nobody else: other values
 * are read-only.
 */
export function remeasure(cache: Cache, key: string, value: unknown): void {
  if (cache instanceof TieredCache) cache.remeasure(key, value)
}
