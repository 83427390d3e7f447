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
