/** The directives of `Cache-Control` that decide about a shared cache (RFC 9111, 5.2.2). */
export interface CacheControl {
  readonly isNoStore: boolean
  /** `no-cache`, which asks for a check with the handler on every use: as good as not stored. */
  readonly isNoCache: boolean
  readonly isPrivate: boolean
  /** From `s-maxage`, else `max-age`; `undefined` where neither is given. */
  readonly freshMs: number | undefined
}

/** Reads a response's `Cache-Control`. What cannot be read as a number counts as no freshness. */
export function parseCacheControl(value: unknown): CacheControl {
  const directives = new Map<string, string>()
  for (const [, name = '', quoted, token] of String(value ?? '').matchAll(directivePattern)) {
    const key = name.toLowerCase()
    if (!directives.has(key)) directives.set(key, quoted ?? token ?? '')
  }
  const seconds = directives.get('s-maxage') ?? directives.get('max-age')
  return {
    isNoStore: directives.has('no-store'),
    isNoCache: directives.has('no-cache'),
    isPrivate: directives.has('private'),
    freshMs: seconds === undefined ? undefined : secondsToMs(seconds),
  }
}

// A name, and for some of them a value as a quoted text or a token.
const directivePattern = /([^\s,;="]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;"]*)))?/g

function secondsToMs(seconds: string): number {
  return /^\d+$/.test(seconds) ? Number(seconds) * 1_000 : 0
}
