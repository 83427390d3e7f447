import { httpDateMs } from './http-date.ts'

/**
 * True when `If-None-Match` names the entity tag, so that the client has the bytes already
 * (RFC 9110, 13.1.2). The comparison is the weak one: `W/"a"` and `"a"` are alike.
 */
export function matchesEntityTag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === etag) return true
  if (ifNoneMatch.trim() === '*') return true
  const wanted = opaque(etag)
  for (const [tag] of ifNoneMatch.matchAll(/(?:W\/)?"[^"]*"/g)) {
    if (opaque(tag) === wanted) return true
  }
  return false
}

/**
 * True when `If-Modified-Since` is no earlier than `Last-Modified` (RFC 9110, 13.1.3). Without a
 * date in both of them nothing can be said, and the client gets the response.
 */
export function isUnmodifiedSince(since: string, lastModified: string | undefined): boolean {
  const modifiedMs = httpDateMs(lastModified)
  const sinceMs = httpDateMs(since)
  return modifiedMs !== undefined && sinceMs !== undefined && modifiedMs <= sinceMs
}

function opaque(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag
}
