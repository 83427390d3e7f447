/**
 * Why a request was not answered from the cache, in the words of RFC 9211: `request` where what the
 * client has said did not let it be, `stale` where what is stored is past its time.
 */
export type Forward = 'uri-miss' | 'vary-miss' | 'bypass' | 'request' | 'stale'

/** What became of a request that was not answered from the cache. */
export interface ForwardOutcome {
  readonly forward: Forward
  readonly isStored?: boolean | undefined
  /** Answered with the response to another request, which ran at the same time. */
  readonly isCollapsed?: boolean | undefined
  /** Why nothing was stored: a token. */
  readonly detail?: string | undefined
}

/** A value of `Cache-Status` (RFC 9211), behind those of the caches that answered before us. */
export function cacheStatus(outcome: ForwardOutcome, former?: unknown): string {
  let text = `hotpath; fwd=${outcome.forward}`
  if (outcome.isStored === true) text += '; stored'
  if (outcome.isCollapsed === true) text += '; collapsed'
  if (outcome.detail !== undefined) text += `; detail=${outcome.detail}`
  return former === undefined ? text : `${String(former)}, ${text}`
}

/** What is stored, and past its time, was sent because the handler failed with this status. */
export function failedStatus(status: number): string {
  return `hotpath; fwd=stale; fwd-status=${status}; detail=stale-if-error`
}

/**
 * The answer came from the cache although its time was over; `ttl` says for how long, negative. Where
 * one of its tags has expired before, it would not be negative, and is left out.
 */
export function staleStatus(freshUntilEpochMs: number, nowEpochMs: number): string {
  const leftMs = freshUntilEpochMs - nowEpochMs
  const ttl = leftMs > 0 ? '' : `; ttl=${Math.floor(leftMs / 1_000)}`
  return `hotpath; hit${ttl}; detail=stale`
}

/** Nothing was stored for a client that wanted a stored answer or none. */
export const onlyIfCachedStatus = 'hotpath; detail=only-if-cached'
