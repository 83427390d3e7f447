import fc from 'fast-check'
import { expect, test } from 'vitest'
import { acceptableCodings, canonicalAccept } from './negotiate.ts'

test.each<[string | undefined, string[]]>([
  [undefined, []],
  ['', []],
  ['gzip', ['gzip']],
  ['br', ['br']],
  ['gzip, deflate, br', ['br', 'gzip']],
  ['GZIP;Q=1.0 , BR;q=0.5', ['gzip', 'br']],
  ['gzip;q=0.5, br;q=0.8', ['br', 'gzip']],
  ['gzip;q=0', []],
  ['gzip;q=0.000, br', ['br']],
  ['*', ['zstd', 'br', 'gzip']],
  ['*;q=0', []],
  ['*, gzip;q=0', ['zstd', 'br']],
  ['identity', []],
  ['identity;q=0', []],
  ['identity;q=0, gzip', ['gzip']],
  ['identity;q=0, *', ['zstd', 'br', 'gzip']],
  ['identity, gzip;q=0.5', []],
  ['identity;q=0.5, gzip;q=0.5', ['gzip']],
  ['identity;q=0.5, gzip;q=0.4, br;q=0.6', ['br']],
  ['x-gzip', ['gzip']],
  ['deflate', []],
  ['gzip, deflate, br, zstd', ['zstd', 'br', 'gzip']],
  ['zstd;q=0.9, gzip', ['gzip', 'zstd']],
  ['gzip;q=high, br', ['br']],
  ['gzip;q=2', []],
  ['gzip;level=9;q=0.3', ['gzip']],
  [',, gzip ,', ['gzip']],
])('%j accepts %j', (text, codings) => {
  expect(acceptableCodings(text)).toEqual(codings)
  expect(acceptableCodings(text)).toEqual(codings)
})

test.each([
  ['fr', 'fr'],
  ['FR-ca , fr;q=0.8,  en;q=0.9', 'fr-ca,en;q=0.9,fr;q=0.8'],
  ['en;q=1.0, de', 'en,de'],
  ['de, en', 'de,en'],
  ['en; q=0.50', 'en;q=0.5'],
  ['', ''],
  ['de;q=high, EN', 'de;q=high, EN'],
  ['gzip;level=9, br', 'gzip;level=9, br'],
])('%j is the same as %j', (text, canonical) => {
  expect(canonicalAccept(text)).toBe(canonical)
  expect(canonicalAccept(canonical)).toBe(canonical)
})

test('however a client writes what it accepts, the answer is the same', () => {
  const member = fc.tuple(
    fc.constantFrom('gzip', 'br', 'identity', '*', 'deflate'),
    fc.constantFrom('', ';q=0', ';q=0.3', ';q=1', ';q=1.000'),
  )
  fc.assert(
    fc.property(fc.array(member, { maxLength: 5 }), (members) => {
      const text = members.map(([name, weight]) => name + weight).join(', ')
      const odd = members.map(([name, weight]) => ` ${name.toUpperCase()} ${weight}`).join(',')
      expect(canonicalAccept(odd)).toBe(canonicalAccept(text))
      expect(acceptableCodings(odd)).toEqual(acceptableCodings(text))
    }),
    { numRuns: 2_000 },
  )
})

test('texts that a client makes up are not remembered without end', () => {
  for (let number = 0; number < 1_000; number++) {
    expect(acceptableCodings(`gzip, made-up-${number}`)).toEqual(['gzip'])
  }
  expect(acceptableCodings(`br, ${'x'.repeat(10_000)}`)).toEqual(['br'])
})
