import { isAscii } from 'node:buffer'
import { hash } from 'node:crypto'
import { contentCodings, type ContentCoding } from '../compress/index.ts'
import { encodedEtag, type EncodedBodies } from './encodings.ts'
import { isStoredHeader, listMembers, type ResponseHeaders } from './header-rules.ts'
import type { VaryValues } from './variants.ts'

/** What is written of a response: the bytes as they are, or in one content coding. */
export interface StoredForm {
  /**
   * Names and values by turns, as `writeHead` takes them. The first two pairs are `age`, whose
   * value is brought up to date in place, and `cache-status`, which says that this is a hit.
   */
  readonly head: string[]
  /** Small ones as texts, large ones as bytes. */
  readonly body: string | Buffer
  /** `latin1` for a text that is not ASCII: each of its characters is a byte then. */
  readonly textEncoding?: 'latin1' | undefined
  readonly etag: string
}

/** A response as it is kept: ready to be written, and plain data, so that Redis keeps it too. */
export interface StoredResponse extends StoredForm {
  readonly status: number
  /** The request headers that `Vary` names, with the values that this response answers. */
  readonly vary: VaryValues | undefined
  readonly storedEpochMs: number
  /** What `Age` counts from: earlier than `storedEpochMs` where the handler passed on an `Age`. */
  readonly bornEpochMs: number
  /** From then on it is stale. */
  readonly freshUntilEpochMs: number
  /** The other forms, as far as they were asked for; `undefined` where it is kept as it is only. */
  readonly encodings: EncodedForms | undefined
}

/** `false` says that the form was made and is not worth it. */
export type EncodedForms = Partial<Record<ContentCoding, StoredForm | false>>

/** Stands for what is not there, where a client wants a stored response or none. */
export const notStored: StoredResponse = {
  status: 504,
  head: [],
  body: '',
  etag: '',
  vary: undefined,
  storedEpochMs: 0,
  bornEpochMs: 0,
  freshUntilEpochMs: 0,
  encodings: undefined,
}

/** What a handler answered, and what was found out about it. */
export interface ResponseToStore {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly body: string | Buffer
  /** Its own, where the handler has given it one. */
  readonly etag: string | undefined
  /** It may be kept in other codings too, so that `Accept-Encoding` decides which is sent. */
  readonly isNegotiated: boolean
  readonly vary: VaryValues | undefined
  readonly ageMs: number
  readonly ttlMs: number
}

const ageAt = 1
/** Where the value of `cache-status` stands in {@link StoredForm.head}. */
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
  response: ResponseToStore,
  inherited: ResponseHeaders,
  storedEpochMs: number,
): StoredResponse {
  const { status, headers, isNegotiated, vary, ageMs, ttlMs } = response
  const byteLength = Buffer.byteLength(response.body)
  const { body, bytes, textEncoding } = ownBody(response.body, byteLength)
  const etag = response.etag ?? etagOf(bytes)
  const head = ['age', '0', 'cache-status', 'hotpath; hit']
  const add = (name: string, value: ResponseHeaders[string]) => {
    if (value === undefined || !isStoredHeader(name) || isSame(value, inherited[name])) return
    for (const one of Array.isArray(value) ? value : [value]) head.push(name, String(one))
  }
  for (const name of Object.keys(headers)) if (name !== 'vary') add(name, headers[name])
  add('vary', isNegotiated ? withAcceptEncoding(headers['vary']) : headers['vary'])
  if (headers['etag'] === undefined) head.push('etag', etag)
  if (status !== 204) head.push('content-length', String(byteLength))
  return {
    head,
    body,
    textEncoding,
    etag,
    status,
    vary,
    storedEpochMs,
    bornEpochMs: storedEpochMs - ageMs,
    freshUntilEpochMs: storedEpochMs + ttlMs,
    encodings: isNegotiated ? {} : undefined,
  }
}

/** Gives a response encoded forms beside those that it has: each has its length and its entity tag. */
export function addEncodings(stored: StoredResponse, bodies: EncodedBodies): void {
  const { encodings } = stored
  if (encodings === undefined) return
  for (const coding of contentCodings) {
    const body = bodies[coding]
    if (body !== undefined) encodings[coding] = body && encodedForm(stored, coding, body)
  }
}

/** A `Vary` that names `Accept-Encoding` too. */
export function withAcceptEncoding(vary: ResponseHeaders[string]): string {
  const isNamed = listMembers(vary).some((name) => name === 'accept-encoding' || name === '*')
  if (isNamed) return String(vary)
  return vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`
}

/** Brings `age` up to date (RFC 9111, 5.1) and returns the head. */
export function agedHead(form: StoredForm, bornEpochMs: number, nowEpochMs: number): string[] {
  const { head } = form
  const ageMs = nowEpochMs - bornEpochMs
  head[ageAt] = ageMs < 1_000 ? '0' : String(Math.floor(ageMs / 1_000))
  return head
}

/** A copy with other values. */
export function replaced(
  head: readonly string[],
  values: Readonly<Record<string, string>>,
): string[] {
  return head.map((value, at) => (at % 2 === 0 ? value : (values[head[at - 1] ?? ''] ?? value)))
}

function encodedForm(stored: StoredResponse, coding: ContentCoding, bytes: Buffer): StoredForm {
  const etag = encodedEtag(stored.etag, coding)
  const head = replaced(stored.head, { etag, 'content-length': String(bytes.length) })
  head.push('content-encoding', coding)
  return { head, body: ownBytes(bytes, bytes.length), etag }
}

/** Up to this length Node writes a text from the stack, without memory of its own. */
const maxTextLength = 16_000

// Where small bodies are copied from one place to another; never more than one at a time.
const desk = Buffer.allocUnsafeSlow(maxTextLength)

/** A body as it is kept, and its bytes: until the next one is made, where it is a text. */
interface OwnBody extends Pick<StoredForm, 'body' | 'textEncoding'> {
  readonly bytes: Buffer
}

// A text is sent together with the head, in one piece and one system call, and is no memory outside
// of V8's heap. It is copied, because small Buffers are slices of a pool of 8 kB and texts may be slices
// or joints of others; a response that is kept would hold on to all of that.
function ownBody(body: string | Buffer, byteLength: number): OwnBody {
  if (byteLength > maxTextLength) {
    const bytes = ownBytes(body, byteLength)
    return { body: bytes, bytes, textEncoding: undefined }
  }
  if (typeof body === 'string') desk.write(body)
  else body.copy(desk)
  const bytes = desk.subarray(0, byteLength)
  const isPlain = typeof body === 'string' ? byteLength === body.length : isAscii(bytes)
  const textEncoding = isPlain ? undefined : 'latin1'
  return { body: desk.toString('latin1', 0, byteLength), bytes, textEncoding }
}

function ownBytes(body: string | Buffer, byteLength: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(byteLength)
  if (typeof body === 'string') bytes.write(body)
  else body.copy(bytes)
  return bytes
}

function isSame(value: ResponseHeaders[string], other: ResponseHeaders[string]): boolean {
  return other !== undefined && String(value) === String(other)
}
