import { gunzipSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { encodeBody, encodedEtag, isCompressible, resolveCompress } from './encodings.ts'
import type { ResponseHeaders } from './header-rules.ts'

const rules = { minimumBytes: 100, encodings: ['br', 'gzip'], breachPaddingBytes: false } as const

test.each<[string, boolean]>([
  ['text/html; charset=utf-8', true],
  ['TEXT/CSS', true],
  ['application/json', true],
  ['application/problem+json', true],
  ['application/ld+json; profile="x"', true],
  ['application/javascript', true],
  ['image/svg+xml', true],
  ['application/wasm', true],
  ['text/event-stream', false],
  ['image/png', false],
  ['video/mp4', false],
  ['application/zip', false],
  ['application/octet-stream', false],
  ['font/woff2', false],
  ['', false],
])('%j is worth compressing: %s', (contentType, expected) => {
  expect(judge({ 'content-type': contentType })).toBe(expected)
})

test.each<[string, ResponseHeaders, Partial<Parameters<typeof isCompressible>[0]>]>([
  ['encoded already', { 'content-encoding': 'gzip' }, {}],
  ['negotiated already', { vary: 'Origin, Accept-Encoding' }, {}],
  ['with a digest of its bytes', { 'content-digest': 'sha-256=:x:' }, {}],
  ['not to be transformed', {}, { isNoTransform: true }],
  ['small', {}, { bodyBytes: 99 }],
  ['no 200', {}, { status: 404 }],
])('not what is %s', (_, headers, more) => {
  expect(judge({ 'content-type': 'text/plain' })).toBe(true)
  expect(judge({ 'content-type': 'text/plain', ...headers }, more)).toBe(false)
})

test('bytes that do not become smaller are kept once', async () => {
  expect(await encodeBody(randomBytes(2_000), ['br', 'gzip'])).toEqual({ br: false, gzip: false })
  const text = Buffer.alloc(20_000, 'a text')
  const { gzip, br } = await encodeBody(text, ['br', 'gzip'])
  expect(gunzipSync(gzip || '')).toEqual(text)
  expect(br || text).toHaveProperty(
    'length',
    expect.toSatisfy((length: number) => length < 100),
  )
  expect(Object.keys(await encodeBody(text, ['gzip']))).toEqual(['gzip'])
})

test.each([
  ['"abc"', '"abc-gzip"'],
  ['W/"abc"', 'W/"abc"'],
  ['unquoted', 'unquoted'],
])('the entity tag %s becomes %s', (etag, expected) => {
  expect(encodedEtag(etag, 'gzip')).toBe(expected)
})

test('options', () => {
  expect(resolveCompress('compress', false, false)).toBe(false)
  expect(resolveCompress('compress', true, false)).toEqual({
    minimumBytes: 1_024,
    encodings: ['br', 'gzip'],
    breachPaddingBytes: false,
  })
  expect(resolveCompress('compress', { minimumBytes: 5, encodings: ['gzip'] }, false)).toEqual({
    minimumBytes: 5,
    encodings: ['gzip'],
    breachPaddingBytes: false,
  })
  // Brotli has no place for padding.
  expect(resolveCompress('compress', true, 200)).toMatchObject({ encodings: ['gzip'] })
  const refused = (options: object) => () => resolveCompress('compress', options, false)
  expect(refused({ minimumBytes: 0 })).toThrow('compress.minimumBytes must be')
  expect(refused({ encodings: ['zip'] })).toThrow(
    'compress.encodings must be a list from br, gzip and zstd',
  )
  expect(refused({ level: 9 })).toThrow("no option 'level'")
})

function judge(headers: ResponseHeaders, more: Partial<Parameters<typeof isCompressible>[0]> = {}) {
  return isCompressible(
    { status: 200, headers, bodyBytes: 100, isNoTransform: false, ...more },
    rules,
  )
}
