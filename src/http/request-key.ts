import type { CacheableRequest } from './route-options.ts'
import { variantPrefixLength } from './variants.ts'

/**
 * As long as the cache takes them, with room for what the key of a variant has before it. A request
 * whose key would be longer goes past the cache.
 */
const maxKeyLength = 2_048 - variantPrefixLength

/** What of a request goes into its key. */
export type KeyedRequest = Pick<CacheableRequest, 'host' | 'url' | 'query'>

/**
 * The key of a response, or `undefined` where it would be too long.
 *
 * Its parts stand on lines of their own, because no host and no URL contains a line break: a client
 * that sends `Host: example.com/api` cannot make one part pass for another.
 */
export function requestKey(
  scope: string,
  request: KeyedRequest,
  allowed: readonly string[] | undefined,
  viewer: string | undefined,
): string | undefined {
  const { host, url } = request
  const queryAt = url.indexOf('?')
  const path = queryAt === -1 ? url : url.slice(0, queryAt)
  let key = `http:${scope}\n${host}\n${path}`
  if (allowed !== undefined) key += listedQuery(request.query, allowed)
  else if (queryAt !== -1 && queryAt < url.length - 1)
    key += `?${sortedQuery(url.slice(queryAt + 1))}`
  if (viewer !== undefined) key += `\n${viewer}`
  return key.length > maxKeyLength ? undefined : key
}

const maxRecentKeys = 1_000
const maxRecentUrlLength = 256

/**
 * Keys made of nothing but host and URL, as they were made last. A key that has just been joined
 * from parts must be copied and hashed before it can be looked up, which takes longer than the
 * lookup; one that was used before need not.
 */
export class RecentKeys {
  readonly #byUrl = new Map<string, { readonly host: string; readonly key: string | undefined }>()

  of(scope: string, request: KeyedRequest): string | undefined {
    const { host, url } = request
    const recent = this.#byUrl.get(url)
    if (recent !== undefined && recent.host === host) return recent.key
    const key = requestKey(scope, request, undefined, undefined)
    if (url.length > maxRecentUrlLength) return key
    if (this.#byUrl.size >= maxRecentKeys) this.#byUrl.clear()
    this.#byUrl.set(url, { host, key })
    return key
  }
}

/**
 * The listed parameters as the app's own parser read them. The raw text would let a client hide a
 * parameter from the key that the handler sees: `%74ag=x` is `tag=x` to a parser.
 */
function listedQuery(query: unknown, allowed: readonly string[]): string {
  if (typeof query !== 'object' || query === null) return ''
  const values = query as Record<string, unknown>
  let text = ''
  for (const name of allowed) {
    if (values[name] !== undefined) text += ` ${name}=${JSON.stringify(values[name])}`
  }
  return text
}

/**
 * Sorts the parameters by name, those of one name staying in order. Only where every name is plain:
 * to some parsers the order of `a[0]=x&a[]=y` matters, and then each text is a key of its own.
 */
function sortedQuery(query: string): string {
  if (!query.includes('&')) return query
  const pairs = query.split('&').map((text) => ({ text, name: text.split('=', 1)[0] ?? '' }))
  if (!pairs.every(({ name }) => /^[\w-]+$/.test(name))) return query
  return pairs
    .toSorted((a, b) => compare(a.name, b.name))
    .map(({ text }) => text)
    .join('&')
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
