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

function opaque(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag
}
