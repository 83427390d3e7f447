import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, test } from 'vitest'
import { answerFrom, sendableBody } from './answer.ts'
import type { ResponseHeaders } from './header-rules.ts'
import {
  addEncodings,
  etagOf,
  storeResponse,
  type ResponseToStore,
  type StoredResponse,
} from './stored-response.ts'

const storedMs = Date.UTC(2026, 0, 1)

function store(
  headers: Record<string, string | string[]>,
  body: string | Buffer = 'body',
): StoredResponse {
  return storeResponse(response(headers, body), {}, storedMs)
}

function response(
  headers: ResponseHeaders,
  body: string | Buffer,
  more: Partial<ResponseToStore> = {},
) {
  const made = { status: 200, headers, body, etag: etagOf(body), vary: undefined }
  return { ...made, isNegotiated: false, ageMs: 0, ttlMs: 3_600_000, ...more }
}

function headersOf(head: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let at = 0; at < head.length; at += 2) headers[head[at] ?? ''] = head[at + 1] ?? ''
  return headers
}

test('all of it, with its age', () => {
  const stored = store({ 'content-type': 'text/plain' })
  const answer = answerFrom(stored, {}, {}, storedMs + 61_500)
  expect(answer).toMatchObject({ status: 200, body: 'body' })
  expect(headersOf(answer.head)).toEqual({
    age: '61',
    'cache-status': 'hotpath; hit',
    'content-type': 'text/plain',
    etag: etagOf('body'),
    'content-length': '4',
  })
})

test('a clock that was set back makes nothing younger than new', () => {
  expect(headersOf(answerFrom(store({}), {}, {}, storedMs - 5_000).head)['age']).toBe('0')
})

test('a 304 has the headers that a client updates, and none about a body', () => {
  const stored = store({
    'content-type': 'text/plain',
    'cache-control': 'max-age=9',
    vary: 'accept',
  })
  const answer = answerFrom(
    stored,
    { 'if-none-match': stored.etag },
    { 'x-request-id': '7' },
    storedMs,
  )
  expect(answer).toMatchObject({ status: 304, body: undefined })
  expect(headersOf(answer.head)).toEqual({
    age: '0',
    'cache-status': 'hotpath; hit',
    'cache-control': 'max-age=9',
    vary: 'accept',
    etag: stored.etag,
    'x-request-id': '7',
  })
})

test('what another cache had kept is as old as it says', () => {
  const stored = storeResponse(response({ age: '20' }, 'x', { ageMs: 20_000 }), {}, storedMs)
  expect(headersOf(answerFrom(stored, {}, {}, storedMs + 5_000).head)['age']).toBe('25')
})

test.each([
  ['what has not changed since', '01', {}, 304],
  ['what was changed at that second', '00', {}, 304],
  ['what was changed later', '59', {}, 200],
  ['the entity tag is what counts where there is one', '01', { 'if-none-match': '"other"' }, 200],
])('If-Modified-Since: %s', (what, second, more, status) => {
  const changed = what.endsWith('later') ? '01 Jan 2026 01:00:00' : '01 Jan 2026 00:00:00'
  const stored = store({ 'last-modified': `Thu, ${changed} GMT` })
  const since = `Thu, 01 Jan 2026 00:00:${second} GMT`
  const headers = { 'if-modified-since': since, ...more }
  expect(answerFrom(stored, headers, {}, storedMs).status).toBe(status)
})

test('If-Modified-Since without a date on both sides says nothing', () => {
  const since = { 'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' }
  expect(answerFrom(store({}), since, {}, storedMs).status).toBe(200)
  expect(answerFrom(store({ 'last-modified': 'lately' }), since, {}, storedMs).status).toBe(200)
})

describe('in the coding that the client likes best', () => {
  const plain = response({ 'content-type': 'text/plain' }, 'body', { isNegotiated: true })
  const stored = storeResponse(plain, {}, storedMs)
  addEncodings(stored, { br: Buffer.from('b'), gzip: Buffer.from('gz'), zstd: false })
  const ask = (headers: IncomingHttpHeaders) => answerFrom(stored, headers, {}, storedMs + 5_000)

  test.each([
    ['gzip', 'gz', 'gzip'],
    ['gzip, br', 'b', 'br'],
    ['zstd, gzip;q=0.5', 'gz', 'gzip'],
    ['br;q=0.1, gzip', 'gz', 'gzip'],
    ['identity', 'body', undefined],
    ['gzip;q=0', 'body', undefined],
    ['deflate', 'body', undefined],
    [undefined, 'body', undefined],
  ])('%s', (accept, body, coding) => {
    const answer = ask(accept === undefined ? {} : { 'accept-encoding': accept })
    const headers = headersOf(answer.head)
    expect(String(answer.body)).toBe(body)
    expect(headers['content-encoding']).toBe(coding)
    expect(headers['content-length']).toBe(String(body.length))
    expect(headers['vary']).toBe('Accept-Encoding')
    expect(headers['age']).toBe('5')
    expect(headers['content-type']).toBe('text/plain')
    const suffix = coding === undefined ? '"' : `-${coding}"`
    expect(headers['etag']).toBe(stored.etag.slice(0, -1) + suffix)
  })

  test('each has an entity tag of its own, and a 304 where the client has that one', () => {
    const gzipTag = `${stored.etag.slice(0, -1)}-gzip"`
    const gzip = { 'accept-encoding': 'gzip' }
    expect(ask({ ...gzip, 'if-none-match': gzipTag })).toMatchObject({ status: 304 })
    expect(ask({ ...gzip, 'if-none-match': stored.etag })).toMatchObject({ status: 200 })
    expect(ask({ 'if-none-match': stored.etag })).toMatchObject({ status: 304 })
    const { head } = ask({ ...gzip, 'if-none-match': gzipTag })
    expect(headersOf(head)).toMatchObject({ etag: gzipTag, vary: 'Accept-Encoding' })
    expect(headersOf(head)).not.toHaveProperty('content-encoding')
  })
})

test('what hooks have set for this request is kept, lists are joined, and what is stored wins', () => {
  const stored = store({ vary: 'accept', 'content-type': 'text/plain' })
  const own = {
    vary: 'Origin',
    'content-type': 'text/html',
    'access-control-allow-origin': 'https://a.example',
    'cache-status': 'edge; fwd=miss',
    'set-cookie': ['a=1', 'b=2'],
  }
  const { head } = answerFrom(stored, {}, own, storedMs)
  expect(headersOf(head)).toMatchObject({
    vary: 'origin, accept',
    'content-type': 'text/plain',
    'access-control-allow-origin': 'https://a.example',
    'cache-status': 'edge; fwd=miss, hotpath; hit',
  })
  expect(head.filter((_, at) => head[at - 1] === 'set-cookie')).toEqual(['a=1', 'b=2'])
})

test('what belongs to one request is not stored', () => {
  const mine = {
    'access-control-allow-origin': 'https://a.example',
    'ratelimit-policy': '"default";q=10',
    'x-ratelimit-remaining': '9',
    'x-request-id': '7',
    'server-timing': 'db;dur=5',
    connection: 'close',
    date: 'yesterday',
    age: '9',
  }
  expect(Object.keys(headersOf(store({ ...mine, 'x-kept': 'yes' }).head))).toEqual([
    'age',
    'cache-status',
    'x-kept',
    'etag',
    'content-length',
  ])
})

test('what stood there before the handler is left out, unless the handler has changed it', () => {
  const inherited = { 'x-frame-options': 'DENY', 'x-theme': 'dark' }
  const headers = { ...inherited, 'x-theme': 'light' }
  const { head } = storeResponse(response(headers, ''), inherited, 0)
  expect(headersOf(head)).not.toHaveProperty('x-frame-options')
  expect(headersOf(head)).toMatchObject({ 'x-theme': 'light' })
})

test.each([
  ['a small text', 'x'.repeat(100), 'string'],
  ['a text that is not ASCII', 'é', 'string'],
  ['a large text', 'x'.repeat(20_000), 'object'],
  ['small bytes that are a text', Buffer.from('text'), 'string'],
  ['small bytes', Buffer.from([0xff, 0]), 'string'],
  ['many bytes', Buffer.alloc(20_000, 0xff), 'object'],
])('%s keeps its bytes, its length and its entity tag', (_, body, kind) => {
  const stored = store({}, body)
  expect(typeof stored.body).toBe(kind)
  const sent = sendableBody(answerFrom(stored, {}, {}, 0))
  expect(Buffer.from(sent as string)).toEqual(Buffer.from(body as string))
  expect(headersOf(stored.head)['content-length']).toBe(String(Buffer.byteLength(body)))
  expect(etagOf(Buffer.from(body as string))).toBe(stored.etag)
})
