import { expect, test } from 'vitest'
import { isOutdated, TagTable } from './tags.ts'

test('a tag lives as long as something refers to it', () => {
  const table = new TagTable()
  const first = table.refer(['a', 'b'])
  const second = table.refer(['b'])
  expect(table.size).toBe(2)
  table.release(first)
  expect(table.size).toBe(1)
  table.release(second)
  expect(table.size).toBe(0)
})

test('invalidating tags that nobody refers to keeps nothing', () => {
  const table = new TagTable()
  for (let number = 0; number < 1_000; number++) table.invalidate([`tag-${number}`])
  expect(table.size).toBe(0)
})

test('outdates what began before, and nothing that begins after', () => {
  const table = new TagTable()
  const before = table.step
  const tags = table.refer(['a', 'b'])
  expect(isOutdated(tags, before)).toBe(false)
  table.invalidate(['b'])
  expect(isOutdated(tags, before)).toBe(true)
  expect(isOutdated(tags, table.step)).toBe(false)
})

test('remembers what was invalidated while somebody watches, within a bound, and then is careful', () => {
  const table = new TagTable()
  table.invalidate(['before'])
  const since = table.step
  table.watch()
  table.invalidate(['a'])
  const first = table.step
  table.invalidate(['c'])
  expect(table.lastInvalidation('a', since)).toBe(first)
  expect(table.lastInvalidation('b', since)).toBe(0)
  expect(table.lastInvalidation('before', since)).toBe(0)
  for (let number = 0; number < 20_000; number++) table.invalidate([`tag-${number}`])
  expect(table.lastInvalidation('b', since)).toBeGreaterThan(first)
  expect(table.lastInvalidation('b', table.step)).toBe(0)
  table.unwatch()
})
