import type { IncomingHttpHeaders } from 'node:http'
import { matchesEntityTag } from './conditional.ts'
import { listMembers, notModifiedHeaders, type ResponseHeaders } from './header-rules.ts'
import { agedHead, cacheStatusAt, type StoredResponse } from './stored-response.ts'

/** What an adapter writes: a status, names and values by turns, and the bytes, if there are any. */
export interface ReadyAnswer {
  readonly status: number
  readonly head: string[]
  /** `undefined` for a 304. To a HEAD request the adapter sends none either. */
  readonly body: string | Buffer | undefined
}

/**
 * The answer to a request from a stored response: all of it, or a 304 where the client has it.
 * `own` are the headers that the app's hooks have set for this request; they are kept. Without a
 * `cacheStatus` it is a hit.
 */
export function answerFrom(
  stored: StoredResponse,
  headers: IncomingHttpHeaders,
  own: ResponseHeaders,
  nowEpochMs: number,
  cacheStatus?: string,
): ReadyAnswer {
  const aged = agedHead(stored, nowEpochMs)
  const head = cacheStatus === undefined ? aged : aged.with(cacheStatusAt, cacheStatus)
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined && stored.status === 200) {
    if (matchesEntityTag(ifNoneMatch, stored.etag)) {
      return { status: 304, head: withOwn(notModifiedHead(head), own), body: undefined }
    }
  }
  return { status: stored.status, head: withOwn(head, own), body: stored.body }
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
