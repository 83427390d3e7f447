import { expect, test } from 'vitest'
import { nearestTag } from './nearest-tag.ts'

const tags = ['javascript', 'java', 'node.js', 'postgresql', 'sql']

test.each([
  ['java', 'java'],
  ['jav', 'java'],
  ['javscript', 'javascript'],
  ['nodejs', 'node.js'],
  ['posgresqll', 'postgresql'],
  ['sqk', 'sql'],
])('%s means %s', (typed, meant) => {
  expect(nearestTag(typed, tags)).toBe(meant)
})

test('of several as near, the first; of none, nothing', () => {
  expect(nearestTag('c', ['a', 'b'])).toBe('a')
  expect(nearestTag('c', [])).toBe('')
})
