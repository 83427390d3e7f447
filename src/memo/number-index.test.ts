import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NumberIndex } from './number-index.ts'

test('finds what a Map would find, whatever comes and goes', () => {
  // Few keys, and some that are far apart: they meet in one table of small size.
  const key = fc.oneof(
    fc.integer({ min: -40, max: 40 }),
    fc.constantFrom(2 ** 31 - 1, -(2 ** 31), 2 ** 20, 2 ** 21, 2 ** 22),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  )
  fc.assert(
    fc.property(fc.array(key, { maxLength: 2_000 }), (keys) => {
      const index = new NumberIndex()
      const map = new Map<number, number>()
      let slot = 0
      for (const each of keys) {
        expect(index.get(each)).toBe(map.get(each) ?? 0)
        if (map.delete(each)) {
          index.remove(each)
        } else {
          map.set(each, ++slot)
          index.add(each, slot)
        }
      }
      for (const each of new Set(keys)) expect(index.get(each)).toBe(map.get(each) ?? 0)
    }),
    { numRuns: 300 },
  )
})

test('keeps its probes whole while keys are replaced for a long time', () => {
  const index = new NumberIndex()
  const held = 1_000
  for (let key = 0; key < 100_000; key++) {
    index.add(key * 64, key + 1)
    if (key >= held) index.remove((key - held) * 64)
  }
  for (let key = 100_000 - held; key < 100_000; key++) expect(index.get(key * 64)).toBe(key + 1)
  expect(index.get(0)).toBe(0)
})
