import { describe, expect, test } from 'vitest'
import type { ResponseHeaders } from './header-rules.ts'
import type { StoringRules } from './route-options.ts'
import { storability, variesAlike } from './storable.ts'

const nowMs = Date.UTC(2026, 0, 1)
const rules: StoringRules = {
  ttlMs: 60_000,
  notFoundTtlMs: false,
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

  test('with the request headers that it varies by', () => {
    expect(judge({ vary: 'Accept-Language, X-Theme' })).toMatchObject({
      vary: [
        ['accept-language', 'fr'],
        ['x-theme', ''],
      ],
    })
    // The hook that has set this is run for every request, and its headers are not stored.
    const inherited = { vary: 'Origin' }
    expect(judge({ vary: 'Origin' }, { inherited })).toMatchObject({ vary: undefined })
  })
})

describe('what is not', () => {
  test.each<[string, ResponseHeaders, Parameters<typeof judge>[1]?]>([
    ['status-500', {}, { status: 500 }],
    ['status-404', {}, { status: 404 }],
    ['status-206', {}, { status: 206 }],
    ['status-304', {}, { status: 304 }],
    ['set-cookie', { 'set-cookie': ['a=b'] }],
    ['set-cookie', { 'set-cookie': 'a=b' }, { rules: { keepsPrivate: true } }],
    ['no-store', { 'cache-control': 'no-store' }, { rules: { keepsPrivate: true } }],
    ['no-cache', { 'cache-control': 'no-cache' }],
    ['private', { 'cache-control': 'private' }],
    ['stream', {}, { body: { pipe() {} } }],
    ['stream', {}, { body: null }],
    ['too-large', {}, { body: 'é'.repeat(51) }],
    ['not-fresh', { 'cache-control': 'max-age=0' }],
    ['not-fresh', { expires: '0' }],
    ['not-fresh', { expires: new Date(nowMs - 1_000).toUTCString() }],
    ['vary', { vary: '*' }],
    ['vary', { vary: 'Accept, Cookie' }],
    ['vary', { vary: 'Authorization' }, { rules: { keepsPrivate: true } }],
  ])('%s: %j', (reason, headers, more) => {
    expect(judge(headers, more)).toEqual({ reason })
  })
})

test('a response answers requests whose headers are those it varies by', () => {
  const vary = [['accept-language', 'fr']] as const
  expect(variesAlike(undefined, {})).toBe(true)
  expect(variesAlike(vary, { 'accept-language': 'fr' })).toBe(true)
  expect(variesAlike(vary, { 'accept-language': 'de' })).toBe(false)
  expect(variesAlike(vary, {})).toBe(false)
})
