import type { IncomingHttpHeaders } from 'node:http'
import type { Cache } from '../cache/index.ts'
import type { StoredResponse } from './stored-response.ts'
import { variantKey, variesAlike } from './variants.ts'

/** Where a stored response was looked for. */
export interface Place {
  /** The key of the first response, which says what the others vary by. */
  readonly base: string
  readonly key: string
  /** How many responses that vary from this request stood before it. */
  readonly depth: number
}

/** A response may vary by more than the first of its key does; by still more it is not kept. */
const maxDepth = 2

/** Follows a response that varies to the one for a request with these headers, in memory alone. */
export function peekVariant(
  cache: Cache,
  key: string,
  first: StoredResponse,
  headers: IncomingHttpHeaders,
): StoredResponse | undefined {
  let place: Place | undefined = { base: key, key, depth: 0 }
  let stored: StoredResponse | undefined = first
  while (stored !== undefined && !variesAlike(stored.vary, headers)) {
    place = nextPlace(place, stored, headers)
    if (place === undefined) return undefined
    stored = cache.peek<StoredResponse>(place.key)
  }
  return stored
}

/** The key under which memory has this very response, of those that a request with these headers may get. */
export function placeOf(
  cache: Cache,
  key: string,
  stored: StoredResponse,
  headers: IncomingHttpHeaders,
): string | undefined {
  let place: Place | undefined = { base: key, key, depth: 0 }
  while (place !== undefined) {
    const found: StoredResponse | undefined = cache.peek<StoredResponse>(place.key)
    if (found === stored) return place.key
    place = found && nextPlace(place, found, headers)
  }
  return undefined
}

/** Where the response to a request stands, or would; nowhere where the cache does not look. */
export async function locate(
  cache: Cache,
  start: Place,
  headers: IncomingHttpHeaders,
): Promise<{ place: Place | undefined; stored: StoredResponse | undefined }> {
  let place = start
  try {
    for (;;) {
      const stored = await cache.get<StoredResponse>(place.key)
      if (stored === undefined || variesAlike(stored.vary, headers)) return { place, stored }
      const next = nextPlace(place, stored, headers)
      if (next === undefined) return { place, stored: undefined }
      place = next
    }
  } catch {
    return { place: undefined, stored: undefined }
  }
}

/** Beside a response that varies; nowhere where that would be too far. */
export function nextPlace(
  { base, depth }: Place,
  { vary }: StoredResponse,
  headers: IncomingHttpHeaders,
): Place | undefined {
  if (vary === undefined || depth === maxDepth) return undefined
  return { base, key: variantKey(base, vary, headers), depth: depth + 1 }
}
