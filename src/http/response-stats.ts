import type { CacheStats } from '../cache/index.ts'

/** What became of the requests to cached routes, counted since the start. */
export interface ResponseCounts {
  /** Answered from a stored response, 304 included. */
  hits: number
  /** Went to the handler, or waited for one that ran for another request. */
  misses: number
  /** Those of the misses that were answered with another request's response. */
  collapsed: number
  /** Went past the cache: with credentials on a route that does not say who may see what. */
  bypasses: number
  /** Those of the hits that were answered with 304. */
  notModified: number
  /** Responses that were kept. */
  stored: number
}

/** A snapshot of a response cache. */
export interface ResponseCacheStats extends Readonly<ResponseCounts> {
  /** `hits` of hits and misses; 0 before the first. */
  readonly hitRatio: number
  /** The cache that keeps them; with other values too, where it is shared. */
  readonly cache: CacheStats
}

export function responseCounts(): ResponseCounts {
  return { hits: 0, misses: 0, collapsed: 0, bypasses: 0, notModified: 0, stored: 0 }
}
