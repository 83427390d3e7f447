/** The directives of a response's `Cache-Control` (RFC 9111, 5.2.2; RFC 5861). */
export interface CacheControl {
  readonly isNoStore: boolean
  /** `no-cache` without field names: a check with the handler on every use, so as good as not stored. */
  readonly isNoCache: boolean
  /** `private` without field names. */
  readonly isPrivate: boolean
  readonly isPublic: boolean
  readonly isNoTransform: boolean
  /** `must-understand`: where the status is understood, `no-store` beside it does not count. */
  readonly mustUnderstand: boolean
  /** `must-revalidate`, `proxy-revalidate` or `s-maxage`: never served stale (RFC 9111, 4.2.4). */
  readonly mustRevalidate: boolean
  /** From `s-maxage`, else `max-age`; `undefined` where neither is given. */
  readonly freshMs: number | undefined
  /** From `stale-while-revalidate`. */
  readonly staleMs: number | undefined
  /** From `stale-if-error`. */
  readonly staleIfErrorMs: number | undefined
  /** The fields that `private="…"` names, in lower case: nobody but the one who asked may see them. */
  readonly privateFields: readonly string[]
  /** The fields that `no-cache="…"` names, in lower case: they may not be sent a second time. */
  readonly uncachedFields: readonly string[]
}

/** The directives of a request's `Cache-Control` (RFC 9111, 5.2.1), and its `Pragma`. */
export interface RequestControl {
  readonly isNoStore: boolean
  readonly isOnlyIfCached: boolean
  /** A stored response may be this old: 0 with `no-cache`, `Infinity` where nothing is said. */
  readonly maxAgeMs: number
  /** A stored response must stay fresh for this long. */
  readonly minFreshMs: number
}

/** Reads a response's `Cache-Control`. What cannot be read as a number counts as no time at all. */
export function parseCacheControl(value: unknown): CacheControl {
  // Most handlers leave it to the route.
  return value === undefined ? unsaid : read(directivesOf(value))
}

function read(directives: ReadonlyMap<string, string>): CacheControl {
  const shared = directives.get('s-maxage')
  const privateFields = fieldNames(directives.get('private'))
  const uncachedFields = fieldNames(directives.get('no-cache'))
  return {
    isNoStore: directives.has('no-store'),
    isNoCache: directives.has('no-cache') && uncachedFields.length === 0,
    isPrivate: directives.has('private') && privateFields.length === 0,
    isPublic: directives.has('public'),
    isNoTransform: directives.has('no-transform'),
    mustUnderstand: directives.has('must-understand'),
    mustRevalidate:
      directives.has('must-revalidate') ||
      directives.has('proxy-revalidate') ||
      shared !== undefined,
    freshMs: secondsToMs(shared ?? directives.get('max-age')),
    staleMs: secondsToMs(directives.get('stale-while-revalidate')),
    staleIfErrorMs: secondsToMs(directives.get('stale-if-error')),
    privateFields,
    uncachedFields,
  }
}

const unsaid: CacheControl = read(new Map())

/** What a client says about the answer that it would take; `undefined` where it says nothing. */
export function parseRequestControl(headers: {
  readonly 'cache-control'?: string | undefined
  readonly pragma?: string | undefined
}): RequestControl | undefined {
  const { 'cache-control': control, pragma } = headers
  if (control === undefined) {
    // Only where there is no Cache-Control (RFC 9111, 5.4).
    if (pragma === undefined || !directivesOf(pragma).has('no-cache')) return undefined
    return { isNoStore: false, isOnlyIfCached: false, maxAgeMs: 0, minFreshMs: 0 }
  }
  const directives = directivesOf(control)
  return {
    isNoStore: directives.has('no-store'),
    isOnlyIfCached: directives.has('only-if-cached'),
    maxAgeMs: directives.has('no-cache') ? 0 : (secondsToMs(directives.get('max-age')) ?? Infinity),
    minFreshMs: secondsToMs(directives.get('min-fresh')) ?? 0,
  }
}

// A name, and for some of them a value as a quoted text or a token.
const directivePattern = /([^\s,;="]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?/g

// Of a directive that is given twice the first one counts (RFC 9111, 4.2.1); of lists of fields, all.
function directivesOf(value: unknown): ReadonlyMap<string, string> {
  const directives = new Map<string, string>()
  for (const [, name = '', quoted, token] of String(value ?? '').matchAll(directivePattern)) {
    const key = name.toLowerCase()
    const given = quoted ?? token ?? ''
    const former = directives.get(key)
    if (former === undefined) directives.set(key, given)
    else if (key === 'private' || key === 'no-cache') {
      // Without field names it is about all of them.
      directives.set(key, former === '' || given === '' ? '' : `${former},${given}`)
    }
  }
  return directives
}

function fieldNames(value: string | undefined): readonly string[] {
  if (value === undefined || value === '') return []
  return value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

function secondsToMs(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined
  return /^\d+$/.test(seconds) ? Number(seconds) * 1_000 : 0
}
