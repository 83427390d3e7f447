import { LRUCache } from 'lru-cache'
import { settings } from '../settings.ts'
import type { ResponseCache, Stored } from './usual-cache.ts'

/** A load that is under way. */
interface Flight {
  readonly result: Promise<Stored>
  /** What was written since it began. */
  readonly written: Set<string>
}

/** Cache-aside in the memory of the process. */
export function createMemoryCache(): ResponseCache {
  const cache = new LRUCache<string, Stored>({
    max: settings.maxCacheEntries,
    maxSize: settings.maxCacheBytes,
    sizeCalculation: ({ json }, key) => key.length + (json?.length ?? 0),
    dispose: (stored, key) => forget(key, stored.tags),
  })
  const keysByTag = new Map<string, Set<string>>()
  const flights = new Map<string, Flight>()

  function takeOff(key: string, ttlMs: number, load: () => Promise<Stored>): Flight {
    const keep = (stored: Stored) => {
      if (!isOutdated(stored, flight)) {
        cache.set(key, stored, { ttl: ttlMs })
        remember(key, stored.tags)
      }
      return stored
    }
    const result = load()
      .then(keep)
      .finally(() => flights.delete(key))
    const flight = { result, written: new Set<string>() }
    flights.set(key, flight)
    return flight
  }

  function remember(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = keysByTag.get(tag)
      if (keys === undefined) keysByTag.set(tag, new Set([key]))
      else keys.add(key)
    }
  }

  function forget(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = keysByTag.get(tag)
      keys?.delete(key)
      if (keys?.size === 0) keysByTag.delete(tag)
    }
  }

  return {
    async getOrLoad(key, ttlMs, load) {
      const kept = cache.get(key)
      if (kept !== undefined) return kept.json
      const flight = flights.get(key) ?? takeOff(key, ttlMs, load)
      const isAfterWrite = flight.written.size > 0
      const stored = await flight.result
      // Those who asked before a write may have what was there before it, those who asked after
      // it may not.
      if (isAfterWrite && isOutdated(stored, flight)) return this.getOrLoad(key, ttlMs, load)
      return stored.json
    },
    async invalidate(tag) {
      for (const { written } of flights.values()) written.add(tag)
      for (const key of [...(keysByTag.get(tag) ?? [])]) cache.delete(key)
    },
    async close() {
      cache.clear()
    },
  }
}

function isOutdated({ tags }: Stored, { written }: Flight): boolean {
  return tags.some((tag) => written.has(tag))
}
