import { expect, test } from 'vitest'
import { answerFrom } from './answer.ts'
import { etagOf, storeResponse, type StoredResponse } from './stored-response.ts'

const storedMs = Date.UTC(2026, 0, 1)

function store(
  headers: Record<string, string | string[]>,
  body: string | Buffer = 'body',
): StoredResponse {
  return storeResponse({ status: 200, headers, body }, etagOf(body), {}, undefined, storedMs)
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
  const { head } = storeResponse({ status: 200, headers, body: '' }, '"e"', inherited, undefined, 0)
  expect(headersOf(head)).not.toHaveProperty('x-frame-options')
  expect(headersOf(head)).toMatchObject({ 'x-theme': 'light' })
})

test.each([
  ['a small text', 'x'.repeat(100), 'string'],
  ['a text that is not ASCII', 'é', 'object'],
  ['a large text', 'x'.repeat(20_000), 'object'],
  ['small bytes that are a text', Buffer.from('text'), 'string'],
  ['bytes', Buffer.from([0xff, 0]), 'object'],
])('%s keeps its bytes, its length and its entity tag', (_, body, kind) => {
  const stored = store({}, body)
  expect(typeof stored.body).toBe(kind)
  expect(Buffer.from(stored.body as string)).toEqual(Buffer.from(body as string))
  expect(headersOf(stored.head)['content-length']).toBe(String(Buffer.byteLength(body)))
  expect(etagOf(Buffer.from(body as string))).toBe(stored.etag)
})
