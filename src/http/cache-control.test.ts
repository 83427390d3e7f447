import { expect, test } from 'vitest'
import { parseCacheControl } from './cache-control.ts'

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
  ['private="set-cookie", max-age=9', { isPrivate: true, freshMs: 9_000 }],
  ['no-cache', { isNoCache: true }],
  ['extension="no-store, private"', { isNoStore: false, isPrivate: false }],
  [['private', 'max-age=3'], { isPrivate: true, freshMs: 3_000 }],
])('%j', (value, expected) => {
  expect(parseCacheControl(value)).toMatchObject(expected)
})
