import { expect, test } from 'vitest'
import { parseCacheControl, parseRequestControl } from './cache-control.ts'

test.each<[unknown, Partial<ReturnType<typeof parseCacheControl>>]>([
  [undefined, { isNoStore: false, isNoCache: false, isPrivate: false, freshMs: undefined }],
  ['public, max-age=60', { freshMs: 60_000 }],
  ['max-age=60, s-maxage=5', { freshMs: 5_000 }],
  ['S-MaxAge="10" , max-age=60', { freshMs: 10_000 }],
  ['max-age = 7', { freshMs: 7_000 }],
  ['max-age=5, max-age=50', { freshMs: 5_000 }],
  ['max-age=soon', { freshMs: 0 }],
  ['max-age=-1', { freshMs: 0 }],
  ['max-age', { freshMs: 0 }],
  ['No-Store', { isNoStore: true }],
  [
    'private="Set-Cookie, x-a", max-age=9',
    { isPrivate: false, privateFields: ['set-cookie', 'x-a'] },
  ],
  ['private="x-a", private="x-b"', { isPrivate: false, privateFields: ['x-a', 'x-b'] }],
  ['private="x-a", private', { isPrivate: true, privateFields: [] }],
  ['private=""', { isPrivate: true }],
  ['no-cache="x-a"', { isNoCache: false, uncachedFields: ['x-a'] }],
  ['no-cache, no-cache="x-a"', { isNoCache: true }],
  ['no-cache', { isNoCache: true }],
  ['extension="no-store, private"', { isNoStore: false, isPrivate: false }],
  ['extension="a\\"b, no-store", max-age=3', { isNoStore: false, freshMs: 3_000 }],
  ['extension="no-store, max-age=3', { isNoStore: true, freshMs: 3_000 }],
  ['max-age=3; private', { isPrivate: true, freshMs: 3_000 }],
  [`max-age=${'9'.repeat(400)}`, { freshMs: Infinity }],
  ['max-age=1, must-revalidate', { mustRevalidate: true }],
  ['max-age=1, Proxy-Revalidate', { mustRevalidate: true }],
  ['s-maxage=1', { mustRevalidate: true }],
  ['max-age=1', { mustRevalidate: false, staleMs: undefined, staleIfErrorMs: undefined }],
  ['stale-while-revalidate=5, stale-if-error=7', { staleMs: 5_000, staleIfErrorMs: 7_000 }],
  ['stale-while-revalidate=soon', { staleMs: 0 }],
  [
    'public, no-transform, must-understand',
    { isPublic: true, isNoTransform: true, mustUnderstand: true },
  ],
  [['private', 'max-age=3'], { isPrivate: true, freshMs: 3_000 }],
])('%j', (value, expected) => {
  expect(parseCacheControl(value)).toMatchObject(expected)
})

test.each<[Parameters<typeof parseRequestControl>[0], ReturnType<typeof parseRequestControl>]>([
  [{}, undefined],
  [{ pragma: 'other' }, undefined],
  [{ pragma: 'no-cache' }, said({ maxAgeMs: 0 })],
  [{ pragma: 'no-cache', 'cache-control': 'max-age=5' }, said({ maxAgeMs: 5_000 })],
  [{ 'cache-control': 'no-cache' }, said({ maxAgeMs: 0 })],
  [{ 'cache-control': 'max-age=0' }, said({ maxAgeMs: 0 })],
  [{ 'cache-control': 'max-age=soon' }, said({ maxAgeMs: 0 })],
  [{ 'cache-control': 'no-store' }, said({ isNoStore: true })],
  [
    { 'cache-control': 'Only-If-Cached, min-fresh=9' },
    said({ isOnlyIfCached: true, minFreshMs: 9_000 }),
  ],
])('a request with %j', (headers, control) => {
  expect(parseRequestControl(headers)).toEqual(control)
})

function said(more: Partial<NonNullable<ReturnType<typeof parseRequestControl>>>) {
  return { isNoStore: false, isOnlyIfCached: false, maxAgeMs: Infinity, minFreshMs: 0, ...more }
}
