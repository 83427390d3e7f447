import { expect, test } from 'vitest'
import { TagTable } from './tags.ts'

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
  expect(table.areChanged(tags, before)).toBe(false)
  table.invalidate(['b'])
  expect(table.areChanged(tags, before)).toBe(true)
  expect(table.areChanged(tags, table.step)).toBe(false)
})

test('remembers what was invalidated while somebody watches, within a bound, and then in doubt says yes', () => {
  const table = new TagTable()
  table.invalidate(['before'])
  const since = table.step
  table.watch()
  table.invalidate(['a'])
  expect(table.wereChanged(['a'], since)).toBe(true)
  expect(table.wereChanged(['b'], since)).toBe(false)
  expect(table.wereChanged(['before'], since)).toBe(false)
  expect(table.wereChanged(['a'], table.step)).toBe(false)
  for (let number = 0; number < 20_000; number++) table.invalidate([`tag-${number}`])
  expect(table.wereChanged(['b'], since)).toBe(true)
  expect(table.wereChanged(['b'], table.step)).toBe(false)
  table.unwatch()
})

test('an expiry changes and does not invalidate, and of several the first counts', () => {
  const table = new TagTable()
  const before = table.step
  const tags = table.refer(['a', 'b'])
  table.expire(['b'], 50)
  table.expire(['a'], 70)
  expect(table.areChanged(tags, before)).toBe(true)
  expect(table.areInvalidated(tags, before)).toBe(false)
  expect(table.expiredSinceMs(tags, before)).toBe(50)
  expect(table.expiredSinceMs(tags, table.step)).toBe(Infinity)
  table.invalidate(['a'])
  expect(table.areInvalidated(tags, before)).toBe(true)
})
