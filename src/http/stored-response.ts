import { isAscii } from 'node:buffer'
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
  /** Small ASCII texts as strings, everything else as bytes. */
  readonly body: string | Buffer
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
  const body = ownBody(response.body)
  const head = ['age', '0', 'cache-status', 'hotpath; hit']
  for (const [name, value] of Object.entries(response.headers)) {
    if (value === undefined || !isStoredHeader(name) || isSame(value, inherited[name])) continue
    for (const one of Array.isArray(value) ? value : [value]) head.push(name, String(one))
  }
  if (response.headers['etag'] === undefined) head.push('etag', etag)
  head.push('content-length', String(Buffer.byteLength(body)))
  return { status: response.status, head, body, etag, vary, storedEpochMs }
}

/** Brings `age` up to date (RFC 9111, 5.1) and returns the head. */
export function agedHead(response: StoredResponse, nowEpochMs: number): string[] {
  const { head } = response
  const ageMs = nowEpochMs - response.storedEpochMs
  head[ageAt] = ageMs < 1_000 ? '0' : String(Math.floor(ageMs / 1_000))
  return head
}

/** Up to this length Node writes a text from the stack, without memory of its own. */
const maxTextLength = 16_000

// In memory of its own: small Buffers are slices of a pool of 8 kB, and texts may be slices or
// joints of others; a response that is kept would hold on to all of that. A text is sent together
// with the head, in one piece and one system call; one that is not ASCII would have to be encoded
// anew each time.
function ownBody(body: string | Buffer): string | Buffer {
  const byteLength = Buffer.byteLength(body)
  const bytes = Buffer.allocUnsafeSlow(byteLength)
  if (typeof body !== 'string') body.copy(bytes)
  else bytes.write(body)
  const isText = byteLength <= maxTextLength && isAscii(bytes)
  return isText ? bytes.toString('latin1') : bytes
}

function isSame(value: ResponseHeaders[string], other: ResponseHeaders[string]): boolean {
  return other !== undefined && String(value) === String(other)
}
