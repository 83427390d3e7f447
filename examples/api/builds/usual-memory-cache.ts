import { LRUCache } from 'lru-cache'
import { settings } from '../settings.ts'
import type { ResponseCache, Stored } from './usual-cache.ts'

/** A load that is under way. */
interface Flight {
  readonly result: Promise<string | null>
  /** What was written since it began. */
  readonly written: Set<string>
}

/** Cache-aside in the memory of the process. */
export function createMemoryCache(): ResponseCache {
  const cache = new LRUCache<string, Stored>({
    max: settings.maxCacheEntries,
    dispose: (stored, key) => forget(key, stored.tags),
  })
  const keysByTag = new Map<string, Set<string>>()
  const flights = new Set<Flight>()
  const flightByKey = new Map<string, Flight>()

  function startFlight(key: string, ttlMs: number, load: () => Promise<Stored>): Flight {
    const written = new Set<string>()
    const flight = { written, result: fly() }
    flights.add(flight)
    flightByKey.set(key, flight)
    return flight

    async function fly(): Promise<string | null> {
      try {
        const stored = await load()
        // It may be older than a write that came in between: then the one who asked may have it,
        // but nobody after.
        if (!stored.tags.some((tag) => written.has(tag))) {
          cache.set(key, stored, { ttl: ttlMs })
          remember(key, stored.tags)
        }
        return stored.json
      } finally {
        flights.delete(flight)
        if (flightByKey.get(key) === flight) flightByKey.delete(key)
      }
    }
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
      const stored = cache.get(key)
      if (stored !== undefined) return stored.json
      let flight = flightByKey.get(key)
      // What a load will show is not known before it ends, so nobody joins one from before a write.
      if (flight === undefined || flight.written.size > 0) flight = startFlight(key, ttlMs, load)
      return flight.result
    },
    async invalidate(tag) {
      for (const { written } of flights) written.add(tag)
      for (const key of [...(keysByTag.get(tag) ?? [])]) cache.delete(key)
    },
    async close() {
      cache.clear()
    },
  }
}
