import { expect, test } from 'vitest'
import { VariantBook, variantKey, variesAlike, varyValues } from './variants.ts'

test('a response answers requests whose headers are those it varies by', () => {
  const vary = varyValues(['accept-language'], { 'accept-language': 'fr' })
  expect(variesAlike(undefined, {})).toBe(true)
  expect(variesAlike(vary, { 'accept-language': 'fr' })).toBe(true)
  expect(variesAlike(vary, { 'accept-language': 'de' })).toBe(false)
  expect(variesAlike(vary, {})).toBe(false)
})

test.each([
  ['accept-language', 'FR , en;q=0.50', 'fr,en;q=0.5', true],
  ['accept-encoding', 'gzip, BR;q=1.0', 'gzip,br', true],
  ['accept-encoding', 'gzip;q=0.5, br', 'br, gzip;q=0.5', true],
  ['accept-encoding', 'gzip', 'gzip;q=0', false],
  ['accept-language', 'en, de', 'de, en', false],
  ['x-theme', ' dark ', 'dark', true],
  ['x-theme', 'Dark', 'dark', false],
])('%s: %j and %j are alike: %s', (name, one, other, expected) => {
  const vary = varyValues([name], { [name]: one })
  expect(variesAlike(vary, { [name]: other })).toBe(expected)
  const keyOf = (value: string) => variantKey('http:key', vary ?? [], { [name]: value })
  expect(keyOf(one) === keyOf(other)).toBe(expected)
})

// An empty Accept-Encoding wants no coding, a missing one takes any (RFC 9110, 12.5.3).
test('a header that is empty is another than one that is missing', () => {
  const absent = varyValues(['accept-encoding'], {})
  const empty = varyValues(['accept-encoding'], { 'accept-encoding': '' })
  expect(variesAlike(absent, {})).toBe(true)
  expect(variesAlike(absent, { 'accept-encoding': '' })).toBe(false)
  expect(variesAlike(empty, { 'accept-encoding': '' })).toBe(true)
  expect(variesAlike(empty, {})).toBe(false)
  const keyOf = (headers: Record<string, string>) => variantKey('http:key', empty ?? [], headers)
  expect(keyOf({})).not.toBe(keyOf({ 'accept-encoding': '' }))
})

test('a variant has a key of its own, of a bounded length', () => {
  const vary = varyValues(['accept-language', 'x-theme'], {}) ?? []
  const keys = [
    'http:key',
    variantKey('http:key', vary, { 'accept-language': 'fr' }),
    variantKey('http:key', vary, { 'x-theme': 'fr' }),
    variantKey('http:other', vary, { 'x-theme': 'fr' }),
    variantKey('http:key', vary, { 'x-theme': 'y'.repeat(10_000) }),
    variantKey('http:key', vary, { 'x-theme': `${'y'.repeat(10_000)}z` }),
    variantKey('http:key', vary, { 'x-theme': '\ud800' }),
  ]
  expect(new Set(keys).size).toBe(keys.length)
  for (const key of keys) {
    expect(key.length).toBeLessThan(100)
    expect(key.isWellFormed()).toBe(true)
  }
})

test('a key has so many variants and no more, until its first response is made anew', () => {
  const book = new VariantBook()
  const admitted = (key: string) =>
    Array.from({ length: 40 }, (_, number) => book.admits(key, String(number))).filter(Boolean)
      .length
  expect(admitted('a')).toBe(16)
  expect(book.admits('a', '3')).toBe(true)
  expect(book.admits('a', '30')).toBe(false)
  expect(admitted('b')).toBe(16)
  book.forget('a')
  expect(book.admits('a', '30')).toBe(true)
})
