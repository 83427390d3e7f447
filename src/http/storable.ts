import type { IncomingHttpHeaders } from 'node:http'
import { parseCacheControl, type CacheControl } from './cache-control.ts'
import { freshnessOf } from './freshness.ts'
import { isCredential, listMembers, type ResponseHeaders } from './header-rules.ts'
import type { StoringRules } from './route-options.ts'
import { varyValues, type VaryValues } from './variants.ts'

/** How a response may be kept. */
export interface Storable {
  readonly ttlMs: number
  /** How long after that it may be served while the handler runs anew (RFC 5861). */
  readonly staleMs: number
  /** How long after that it may be served where the handler fails (RFC 5861). */
  readonly staleIfErrorMs: number
  /** How old it is already. */
  readonly ageMs: number
  readonly vary: VaryValues | undefined
  /** Without those that its `Cache-Control` keeps from others. */
  readonly headers: ResponseHeaders
  readonly body: string | Buffer
  /** `no-transform`: its bytes are sent as they are (RFC 9111, 5.2.2.6). */
  readonly isNoTransform: boolean
}

/** Whether a response may be kept. `reason` is what `Cache-Status` gives as its detail. */
export type Storability = Storable | { readonly reason: string }

/** An answer as the handler gave it. */
export interface AnswerToJudge {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly body: unknown
}

/**
 * Applies RFC 9111, section 3, for a shared cache, with what the route has said: a TTL, and who may
 * see its responses. A response is never kept longer than it says itself.
 */
export function storability(
  answer: AnswerToJudge,
  inherited: ResponseHeaders,
  request: { readonly headers: IncomingHttpHeaders },
  rules: StoringRules,
  nowEpochMs: number,
): Storability {
  const { status, headers } = answer
  const control = parseCacheControl(headers['cache-control'])
  const { ageMs, freshMs } = freshnessOf(control, headers, nowEpochMs)
  const saysHowLong = freshMs !== undefined || control.isPublic
  const routeTtlMs = ttlByStatus(status, saysHowLong, rules)
  if (routeTtlMs === undefined) return { reason: `status-${status}` }
  if (headers['set-cookie'] !== undefined) return { reason: 'set-cookie' }

  // Every status that is kept is understood (RFC 9111, 5.2.2.3).
  if (control.isNoStore && !control.mustUnderstand) return { reason: 'no-store' }
  if (control.isNoCache) return { reason: 'no-cache' }
  // A route that names the viewer in its key shares nothing between viewers.
  if (control.isPrivate && !rules.keepsPrivate) return { reason: 'private' }

  const body = bodyOf(answer)
  if (body === undefined) return { reason: 'stream' }
  if (isLonger(body, rules.maxBodyBytes)) return { reason: 'too-large' }

  const ttlMs = Math.min(routeTtlMs, freshMs ?? Infinity)
  if (ttlMs <= 0) return { reason: 'not-fresh' }
  const names = ownVary(headers, inherited)
  if (names.includes('*') || names.some(isCredential)) return { reason: 'vary' }
  return {
    ttlMs,
    staleMs: staleness(control.staleMs, rules.staleMs, control),
    staleIfErrorMs: staleness(control.staleIfErrorMs, rules.staleIfErrorMs, control),
    ageMs,
    vary: varyValues(names, request.headers),
    headers: sharedHeaders(headers, control, rules),
    body,
    isNoTransform: control.isNoTransform,
  }
}

// Besides 200 (and 404, where the route says so): what may be kept where the response itself says
// that it may (RFC 9110, 15.1, and the redirects that it leaves to explicit freshness). Never 206:
// it is a part.
const explicitStatuses = new Set([203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501])

function ttlByStatus(
  status: number,
  saysHowLong: boolean,
  rules: StoringRules,
): number | undefined {
  if (status === 200) return rules.ttlMs
  if (status === 404 && rules.notFoundTtlMs !== false) return rules.notFoundTtlMs
  return saysHowLong && explicitStatuses.has(status) ? rules.ttlMs : undefined
}

/** A body that is all there. Answers that have none are kept where their status is about none. */
function bodyOf({ status, body }: AnswerToJudge): string | Buffer | undefined {
  if (typeof body === 'string' || Buffer.isBuffer(body)) return body
  const isAbout = status === 204 || (status >= 300 && status < 400)
  return isAbout && (body === undefined || body === null) ? '' : undefined
}

// A character of a text is at most three bytes of UTF-8: most need not be counted.
function isLonger(body: string | Buffer, bytes: number): boolean {
  return 3 * body.length > bytes && Buffer.byteLength(body) > bytes
}

/** Longer than anybody means it. */
const maxStaleMs = 365 * 24 * 3_600_000

// What the route says is the most that its responses may ask for; without it they are believed.
function staleness(
  own: number | undefined,
  ofRoute: number | false | undefined,
  { mustRevalidate }: CacheControl,
): number {
  if (mustRevalidate || ofRoute === false) return 0
  return Math.min(own ?? ofRoute ?? 0, ofRoute ?? maxStaleMs)
}

// Nobody else gets what `private="…"` and `no-cache="…"` name, nor what `Connection` names as a
// matter of one connection (RFC 9111, 3.1).
function sharedHeaders(
  headers: ResponseHeaders,
  { privateFields, uncachedFields }: CacheControl,
  { keepsPrivate }: StoringRules,
): ResponseHeaders {
  const hidden = [...listMembers(headers['connection']), ...uncachedFields]
  if (!keepsPrivate) hidden.push(...privateFields)
  if (hidden.length === 0) return headers
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hidden.includes(name)))
}

// What stood in `Vary` before the handler is about the headers that stood there too (CORS and its
// `Origin`): those are not stored, and are made anew for every request.
function ownVary(headers: ResponseHeaders, inherited: ResponseHeaders): string[] {
  const before = listMembers(inherited['vary'])
  return listMembers(headers['vary']).filter((name) => !before.includes(name))
}
