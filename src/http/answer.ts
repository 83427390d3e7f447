import type { IncomingHttpHeaders } from 'node:http'
import { acceptableCodings, canBePadded } from '../compress/index.ts'
import { onlyIfCachedStatus } from './cache-status.ts'
import { isUnmodifiedSince, matchesEntityTag } from './conditional.ts'
import { listMembers, notModifiedHeaders, type ResponseHeaders } from './header-rules.ts'
import { paddedForm } from './padded-form.ts'
import {
  agedHead,
  cacheStatusAt,
  type EncodedForms,
  type StoredForm,
  type StoredResponse,
} from './stored-response.ts'

/** What an adapter writes: a status, names and values by turns, and the bytes, if there are any. */
export interface ReadyAnswer {
  readonly status: number
  readonly head: string[]
  /** `undefined` for a 304. To a HEAD request the adapter sends none either. */
  readonly body: string | Buffer | undefined
  /** Of a text; UTF-8 where it is left out. */
  readonly textEncoding?: 'latin1' | undefined
}

/** The body for those who take texts for UTF-8. */
export function sendableBody({ body, textEncoding }: ReadyAnswer): string | Buffer | undefined {
  if (typeof body !== 'string' || textEncoding === undefined) return body
  return Buffer.from(body, textEncoding)
}

/**
 * The answer to a request from a stored response: all of it, in the coding that the client likes
 * best, or a 304 where the client has it. `own` are the headers that the app's hooks have set for
 * this request; they are kept. Without a `cacheStatus` it is a hit. An encoded form is padded anew each
 * time, where there is to be padding.
 */
export function answerFrom(
  stored: StoredResponse,
  headers: IncomingHttpHeaders,
  own: ResponseHeaders,
  nowEpochMs: number,
  cacheStatus?: string,
  breachPaddingBytes: number | false = false,
): ReadyAnswer {
  const { status, encodings } = stored
  const form =
    encodings === undefined
      ? stored
      : formFor(stored, encodings, headers['accept-encoding'], breachPaddingBytes)
  const aged = agedHead(form, stored.bornEpochMs, nowEpochMs)
  const head = cacheStatus === undefined ? aged : aged.with(cacheStatusAt, cacheStatus)
  if (status === 200 && isCurrentForClient(headers, form)) {
    return { status: 304, head: withOwn(notModifiedHead(head), own), body: undefined }
  }
  const body = bodyOf(form)
  return { status, head: withOwn(head, own), body, textEncoding: form.textEncoding }
}

/** What a client gets who wanted a stored answer or none (RFC 9111, 5.2.1.7). */
export function onlyIfCachedAnswer(own: ResponseHeaders): ReadyAnswer {
  const head = ['cache-status', onlyIfCachedStatus, 'cache-control', 'no-store']
  return { status: 504, head: withOwn([...head, 'content-length', '0'], own), body: '' }
}

function formFor(
  stored: StoredResponse,
  encodings: EncodedForms,
  acceptEncoding: string | string[] | undefined,
  breachPaddingBytes: number | false,
): StoredForm {
  for (const coding of acceptableCodings(acceptEncoding?.toString())) {
    const form = encodings[coding]
    if (!form) continue
    if (breachPaddingBytes === false) return form
    // Kept by a process that does not pad.
    if (!canBePadded(coding)) continue
    return paddedForm(form, bytesOf(form), coding, breachPaddingBytes)
  }
  return stored
}

/** A cache that the app hands in may send its values to Redis as JSON, which has no word for bytes. */
export function bodyOf({ body }: StoredForm): string | Buffer {
  if (typeof body === 'string' || Buffer.isBuffer(body)) return body
  return Buffer.from((body as ReturnType<Buffer['toJSON']>).data)
}

/** The same, as bytes. */
export function bytesOf(form: StoredForm): Buffer {
  const body = bodyOf(form)
  return typeof body === 'string' ? Buffer.from(body, 'latin1') : body
}

// Where there is an If-None-Match, If-Modified-Since does not count (RFC 9110, 13.1.3).
function isCurrentForClient(headers: IncomingHttpHeaders, form: StoredForm): boolean {
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined) return matchesEntityTag(ifNoneMatch, form.etag)
  const since = headers['if-modified-since']
  return since !== undefined && isUnmodifiedSince(since, headerIn(form.head, 'last-modified'))
}

function headerIn(head: readonly string[], name: string): string | undefined {
  for (let at = 0; at < head.length; at += 2) if (head[at] === name) return head[at + 1]
  return undefined
}

function notModifiedHead(head: readonly string[]): string[] {
  const kept: string[] = []
  forEachHeader(head, (name, value) => {
    if (notModifiedHeaders.has(name)) kept.push(name, value)
  })
  return kept
}

// What is stored of the response counts more than what a hook has set before it; lists are joined.
function withOwn(head: string[], own: ResponseHeaders): string[] {
  const names = Object.keys(own)
  if (names.length === 0) return head
  const merged: string[] = []
  const storedNames = new Set<string>()
  forEachHeader(head, (name, value) => {
    storedNames.add(name)
    merged.push(name, joined(name, value, own[name]))
  })
  for (const name of names) {
    const value = own[name]
    if (value === undefined || storedNames.has(name)) continue
    for (const one of Array.isArray(value) ? value : [value]) merged.push(name, String(one))
  }
  return merged
}

function joined(name: string, value: string, own: ResponseHeaders[string]): string {
  if (own === undefined) return value
  if (name === 'cache-status') return `${String(own)}, ${value}`
  if (name === 'vary') return [...new Set([...listMembers(own), ...listMembers(value)])].join(', ')
  return value
}

function forEachHeader(
  head: readonly string[],
  visit: (name: string, value: string) => void,
): void {
  for (let at = 0; at < head.length; at += 2) visit(head[at] ?? '', head[at + 1] ?? '')
}
