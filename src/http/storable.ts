import type { IncomingHttpHeaders } from 'node:http'
import { parseCacheControl } from './cache-control.ts'
import { isCredential, listMembers, type ResponseHeaders } from './header-rules.ts'
import type { StoringRules } from './route-options.ts'
import type { StoredResponse } from './stored-response.ts'

/** Whether a response may be kept, and how. `reason` is what `Cache-Status` gives as its detail. */
export type Storability =
  | {
      readonly ttlMs: number
      readonly vary: StoredResponse['vary']
      readonly body: string | Buffer
    }
  | { readonly reason: string }

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
  const { status, headers, body } = answer
  const routeTtlMs = ttlByStatus(status, rules)
  if (routeTtlMs === undefined) return { reason: `status-${status}` }
  if (headers['set-cookie'] !== undefined) return { reason: 'set-cookie' }

  const control = parseCacheControl(headers['cache-control'])
  if (control.isNoStore) return { reason: 'no-store' }
  if (control.isNoCache) return { reason: 'no-cache' }
  // A route that names the viewer in its key shares nothing between viewers.
  if (control.isPrivate && !rules.keepsPrivate) return { reason: 'private' }

  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return { reason: 'stream' }
  if (Buffer.byteLength(body) > rules.maxBodyBytes) return { reason: 'too-large' }

  const ttlMs = Math.min(
    routeTtlMs,
    control.freshMs ?? untilExpires(headers['expires'], nowEpochMs),
  )
  if (ttlMs <= 0) return { reason: 'not-fresh' }
  const names = ownVary(headers, inherited)
  if (names.includes('*') || names.some(isCredential)) return { reason: 'vary' }
  const vary = names.map((name) => [name, headerText(request.headers, name)] as const)
  return { ttlMs, vary: vary.length === 0 ? undefined : vary, body }
}

/** True when the response was made for a request with these headers, as far as `Vary` goes. */
export function variesAlike(vary: StoredResponse['vary'], headers: IncomingHttpHeaders): boolean {
  return vary === undefined || vary.every(([name, value]) => headerText(headers, name) === value)
}

function ttlByStatus(status: number, rules: StoringRules): number | undefined {
  if (status === 200) return rules.ttlMs
  if (status === 404 && rules.notFoundTtlMs !== false) return rules.notFoundTtlMs
  return undefined
}

function untilExpires(expires: unknown, nowEpochMs: number): number {
  if (expires === undefined) return Infinity
  const epochMs = Date.parse(String(expires))
  return Number.isNaN(epochMs) ? 0 : epochMs - nowEpochMs
}

// What stood in `Vary` before the handler is about the headers that stood there too (CORS and its
// `Origin`): those are not stored, and are made anew for every request.
function ownVary(headers: ResponseHeaders, inherited: ResponseHeaders): string[] {
  const before = listMembers(inherited['vary'])
  return listMembers(headers['vary']).filter((name) => !before.includes(name))
}

function headerText(headers: IncomingHttpHeaders, name: string): string {
  return String(headers[name] ?? '')
}
