import { describe, expect, test } from 'vitest'
import type { ResponseHeaders } from './header-rules.ts'
import type { StoringRules } from './route-options.ts'
import { storability } from './storable.ts'

const nowMs = Date.UTC(2026, 0, 1)
const rules: StoringRules = {
  ttlMs: 60_000,
  notFoundTtlMs: false,
  staleMs: undefined,
  staleIfErrorMs: undefined,
  compress: false,
  maxBodyBytes: 100,
  keepsPrivate: false,
}

function judge(
  headers: ResponseHeaders,
  more: {
    status?: number
    body?: unknown
    rules?: Partial<StoringRules>
    inherited?: ResponseHeaders
  } = {},
) {
  return storability(
    { status: more.status ?? 200, headers, body: 'body' in more ? more.body : 'body' },
    more.inherited ?? {},
    { headers: { 'accept-language': 'fr' } },
    { ...rules, ...more.rules },
    nowMs,
  )
}

describe('what is kept', () => {
  test('for as long as the route says, or as the response itself where that is shorter', () => {
    expect(judge({})).toMatchObject({ ttlMs: 60_000, vary: undefined })
    expect(judge({ 'cache-control': 'max-age=5' })).toMatchObject({ ttlMs: 5_000 })
    expect(judge({ 'cache-control': 'max-age=0, s-maxage=5' })).toMatchObject({ ttlMs: 5_000 })
    expect(judge({ 'cache-control': 'max-age=500' })).toMatchObject({ ttlMs: 60_000 })
    expect(judge({ expires: new Date(nowMs + 2_000).toUTCString() })).toMatchObject({
      ttlMs: 2_000,
    })
  })

  test('a private response where the key names the viewer', () => {
    const keyed = { rules: { keepsPrivate: true } }
    expect(judge({ 'cache-control': 'private' }, keyed)).toMatchObject({ ttlMs: 60_000 })
  })

  test('a 404 where the route says for how long', () => {
    const told = { status: 404, rules: { notFoundTtlMs: 5 } }
    expect(judge({}, told)).toMatchObject({ ttlMs: 5 })
  })

  test('less what another cache has kept it for already', () => {
    const aged = { 'cache-control': 'max-age=50', age: '20' }
    expect(judge(aged)).toMatchObject({ ttlMs: 30_000, ageMs: 20_000 })
    expect(judge({ age: '20' })).toMatchObject({ ttlMs: 60_000, ageMs: 20_000 })
  })

  test.each([203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501])(
    'a %d that says for how long itself, or that it is public',
    (status) => {
      const told = (headers: ResponseHeaders) => judge(headers, { status })
      expect(told({ 'cache-control': 'max-age=9' })).toMatchObject({ ttlMs: 9_000 })
      expect(told({ expires: new Date(nowMs + 2_000).toUTCString() })).toMatchObject({
        ttlMs: 2_000,
      })
      expect(told({ 'cache-control': 'public' })).toMatchObject({ ttlMs: 60_000 })
      expect(told({})).toEqual({ reason: `status-${status}` })
      expect(told({ 'cache-control': 'public, no-store' })).toEqual({ reason: 'no-store' })
    },
  )

  test.each([204, 301, 308])('a %d that has no body', (status) => {
    const headers = { 'cache-control': 'max-age=9' }
    expect(judge(headers, { status, body: undefined })).toMatchObject({ body: '' })
    expect(judge(headers, { status, body: null })).toMatchObject({ body: '' })
  })

  test('a must-understand response, whose no-store is for caches that do not', () => {
    const control = { 'cache-control': 'must-understand, no-store, max-age=9' }
    expect(judge(control)).toMatchObject({ ttlMs: 9_000 })
  })

  test('without the headers that are for the one who asked', () => {
    const headers = {
      'cache-control': 'private="x-mine", no-cache="x-once"',
      connection: 'x-hop',
      'x-mine': '1',
      'x-once': '2',
      'x-hop': '3',
      'x-kept': '4',
    }
    const kept = (more: Partial<StoringRules>) => {
      const judged = judge(headers, { rules: more })
      return 'headers' in judged
        ? Object.keys(judged.headers).filter((name) => name.startsWith('x-'))
        : []
    }
    expect(kept({})).toEqual(['x-kept'])
    expect(kept({ keepsPrivate: true })).toEqual(['x-mine', 'x-kept'])
  })

  test('whatever is said to other caches by name', () => {
    const headers = { 'cdn-cache-control': 'no-store', 'cloudflare-cdn-cache-control': 'max-age=1' }
    expect(judge(headers)).toMatchObject({ ttlMs: 60_000, headers })
  })

  test('with the request headers that it varies by', () => {
    expect(judge({ vary: 'Accept-Language, X-Theme' })).toMatchObject({
      vary: [
        ['accept-language', 'fr'],
        ['x-theme', null],
      ],
    })
    // The hook that has set this is run for every request, and its headers are not stored.
    const inherited = { vary: 'Origin' }
    expect(judge({ vary: 'Origin' }, { inherited })).toMatchObject({ vary: undefined })
  })
})

describe('how long it may be stale', () => {
  const staleOf = (control: string, more: Partial<StoringRules> = {}) => {
    const judged = judge({ 'cache-control': control }, { rules: more })
    return 'staleMs' in judged ? [judged.staleMs, judged.staleIfErrorMs] : judged
  }

  test.each<[string, Partial<StoringRules>, number[]]>([
    ['max-age=9', {}, [0, 0]],
    ['max-age=9', { staleMs: 5, staleIfErrorMs: 7 }, [5, 7]],
    ['stale-while-revalidate=2, stale-if-error=3', {}, [2_000, 3_000]],
    // The route's is the most that a response may ask for.
    [
      'stale-while-revalidate=2, stale-if-error=3',
      { staleMs: 5, staleIfErrorMs: 9_000 },
      [5, 3_000],
    ],
    ['stale-while-revalidate=0', { staleMs: 5 }, [0, 0]],
    [
      'stale-while-revalidate=2, stale-if-error=3',
      { staleMs: false, staleIfErrorMs: false },
      [0, 0],
    ],
    ['stale-while-revalidate=2, must-revalidate', {}, [0, 0]],
    ['max-age=9, proxy-revalidate', { staleMs: 5, staleIfErrorMs: 7 }, [0, 0]],
    ['s-maxage=9, stale-if-error=3', { staleMs: 5 }, [0, 0]],
    [`stale-if-error=${'9'.repeat(400)}`, {}, [0, 365 * 86_400_000]],
  ])('%s with %j', (control, more, expected) => {
    expect(staleOf(control, more)).toEqual(expected)
  })
})

describe('what is not', () => {
  test.each<[string, ResponseHeaders, Parameters<typeof judge>[1]?]>([
    ['status-500', {}, { status: 500 }],
    ['status-404', {}, { status: 404 }],
    ['status-206', {}, { status: 206 }],
    ['status-304', {}, { status: 304 }],
    ['status-206', { 'cache-control': 'public, max-age=9' }, { status: 206 }],
    ['status-500', { 'cache-control': 'max-age=9' }, { status: 500 }],
    ['status-304', { 'cache-control': 'max-age=9' }, { status: 304 }],
    ['set-cookie', { 'set-cookie': ['a=b'] }],
    ['set-cookie', { 'set-cookie': 'a=b', 'cache-control': 'public, private="set-cookie"' }],
    ['set-cookie', { 'set-cookie': 'a=b' }, { rules: { keepsPrivate: true } }],
    ['no-store', { 'cache-control': 'no-store' }, { rules: { keepsPrivate: true } }],
    ['no-cache', { 'cache-control': 'no-cache' }],
    ['private', { 'cache-control': 'private' }],
    ['stream', {}, { body: { pipe() {} } }],
    ['stream', {}, { body: null }],
    ['stream', {}, { body: undefined }],
    ['too-large', {}, { body: 'é'.repeat(51) }],
    ['not-fresh', { 'cache-control': 'max-age=0' }],
    ['not-fresh', { 'cache-control': 'max-age=soon' }],
    ['not-fresh', { 'cache-control': 'max-age=9', age: '9' }],
    ['not-fresh', { expires: '0' }],
    ['not-fresh', { expires: new Date(nowMs - 1_000).toUTCString() }],
    ['vary', { vary: '*' }],
    ['vary', { vary: 'Accept, Cookie' }],
    ['vary', { vary: 'Authorization' }, { rules: { keepsPrivate: true } }],
  ])('%s: %j', (reason, headers, more) => {
    expect(judge(headers, more)).toEqual({ reason })
  })
})
