import { hash } from 'node:crypto'
import { isStoredHeader, type ResponseHeaders } from './header-rules.ts'

/** A response as it is kept: ready to be written, and plain data, so that Redis keeps it too. */
export interface StoredResponse {
  readonly status: number
  /**
   * Names and values by turns, as `writeHead` takes them. The first two pairs are `age`, whose
   * value is brought up to date in place, and `cache-status`, which says that this is a hit.
   */
  readonly head: string[]
  readonly body: Buffer
  readonly etag: string
  /** The request headers that `Vary` names, with the values that this response answers. */
  readonly vary: readonly (readonly [name: string, value: string])[] | undefined
  readonly storedEpochMs: number
}

/** What a handler answered. */
export interface OutgoingResponse {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly body: string | Buffer
}

const ageAt = 1
/** Where the value of `cache-status` stands in {@link StoredResponse.head}. */
export const cacheStatusAt = 3

/** A strong validator, made from the bytes: equal bodies have equal tags, in every process. */
export function etagOf(body: string | Buffer): string {
  return `"${hash('sha256', body, 'base64url').slice(0, 27)}"`
}

/**
 * Makes the stored form. Headers that `inherited` has with the same value are left out: whatever
 * set them before the handler sets them again on every hit.
 */
export function storeResponse(
  response: OutgoingResponse,
  etag: string,
  inherited: ResponseHeaders,
  vary: StoredResponse['vary'],
  storedEpochMs: number,
): StoredResponse {
  const body = ownBytes(response.body)
  const head = ['age', '0', 'cache-status', 'hotpath; hit']
  for (const [name, value] of Object.entries(response.headers)) {
    if (value === undefined || !isStoredHeader(name) || isSame(value, inherited[name])) continue
    for (const one of Array.isArray(value) ? value : [value]) head.push(name, String(one))
  }
  if (response.headers['etag'] === undefined) head.push('etag', etag)
  head.push('content-length', String(body.length))
  return { status: response.status, head, body, etag, vary, storedEpochMs }
}

/** Brings `age` up to date (RFC 9111, 5.1) and returns the head. */
export function agedHead(response: StoredResponse, nowEpochMs: number): string[] {
  const { head } = response
  const ageMs = nowEpochMs - response.storedEpochMs
  head[ageAt] = ageMs < 1_000 ? '0' : String(Math.floor(ageMs / 1_000))
  return head
}

// In memory of their own: small Buffers are slices of a pool of 8 kB, which one response that is
// kept would hold on to.
function ownBytes(body: string | Buffer): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(body))
  if (typeof body === 'string') bytes.write(body)
  else body.copy(bytes)
  return bytes
}

function isSame(value: ResponseHeaders[string], other: ResponseHeaders[string]): boolean {
  return other !== undefined && String(value) === String(other)
}
