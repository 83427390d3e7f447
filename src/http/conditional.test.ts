import { expect, test } from 'vitest'
import { matchesEntityTag } from './conditional.ts'

test.each([
  ['"abc"', '"abc"', true],
  ['W/"abc"', '"abc"', true],
  ['"abc"', 'W/"abc"', true],
  ['"x", W/"abc" , "y"', '"abc"', true],
  ['"x,y", "abc"', '"abc"', true],
  ['*', '"abc"', true],
  [' * ', '"abc"', true],
  ['"other"', '"abc"', false],
  ['"abc', '"abc"', false],
  ['abc', '"abc"', false],
  ['"*"', '"abc"', false],
  ['', '"abc"', false],
])('%s against %s', (ifNoneMatch, etag, expected) => {
  expect(matchesEntityTag(ifNoneMatch, etag)).toBe(expected)
})
