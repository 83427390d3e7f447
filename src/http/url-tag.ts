import type { ResponseHeaders } from './header-rules.ts'

/** What is asked for, as far as it has an address. */
export interface Addressed {
  readonly method: string
  readonly host: string
  /** Path and query, as they came. */
  readonly url: string
}

const safeMethods = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']

/**
 * The tag that every stored response carries: its host and its path. Under it a write forgets what
 * is stored of an address: all queries, viewers, variants and routes.
 *
 * It is coarser than a router on purpose, because to forget too much is only slow: upper and lower
 * case, escaped and plain characters, and a slash at the end make no difference.
 */
export function urlTag(host: string, url: string): string {
  return `url:${host}${pathOf(url)}`.toLowerCase().slice(0, maxTagLength).toWellFormed()
}

/**
 * The tags of what an answered request has made doubtful (RFC 9111, 4.4): for an unsafe method that
 * was answered without an error, its own address and those that `Location` and `Content-Location`
 * name on the same host.
 */
export function outdatedTags(
  { method, host, url }: Addressed,
  status: number,
  headers: ResponseHeaders,
): string[] {
  if (safeMethods.includes(method) || status < 200 || status >= 400) return []
  const tags = new Set([urlTag(host, url)])
  for (const name of ['location', 'content-location'] as const) {
    const reference = headers[name]
    if (reference === undefined) continue
    const target = resolveOnHost(String(reference), host, url)
    if (target !== undefined) tags.add(target)
  }
  return [...tags]
}

/** Well below what a cache takes: what two long addresses share in the beginning is enough. */
const maxTagLength = 1_000

function resolveOnHost(reference: string, host: string, url: string): string | undefined {
  const base = `http://${host}${withoutAuthority(url)}`
  if (!URL.canParse(reference, base)) return undefined
  const target = new URL(reference, base)
  // The scheme is not compared: behind a proxy that ends TLS the app is not told of it.
  const isHere = [base, `https://${host}`].some((here) => new URL(here).host === target.host)
  return isHere ? urlTag(host, target.pathname) : undefined
}

function pathOf(url: string): string {
  const path = withoutAuthority(url).split(/[?#]/, 1)[0] ?? ''
  const plain = path.includes('%') ? unescaped(path) : path
  let end = plain.length
  while (end > 1 && plain[end - 1] === '/') end--
  return end === 0 ? '/' : plain.slice(0, end)
}

// A client may send the whole address: `GET http://a.example/path` (RFC 9112, 3.2.2).
function withoutAuthority(url: string): string {
  return url.startsWith('/') ? url : url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '')
}

function unescaped(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
