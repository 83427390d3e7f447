import { expect, test } from 'vitest'
import { approximateBytes } from './approximate-bytes.ts'

test('grows with what a value holds', () => {
  expect(approximateBytes('x'.repeat(1_000))).toBeGreaterThan(1_000)
  expect(approximateBytes(Buffer.alloc(5_000))).toBeGreaterThan(5_000)
  expect(approximateBytes(Array.from({ length: 100 }, () => ({ id: 1 })))).toBeGreaterThan(4_000)
  expect(approximateBytes(new Map([['a', 'x'.repeat(500)]]))).toBeGreaterThan(500)
  expect(approximateBytes(new Set(['x'.repeat(500)]))).toBeGreaterThan(500)
})

test('counts what is shared once, and ends on a cycle', () => {
  const shared = 'x'.repeat(1_000)
  const one = { text: shared }
  const cycle: { one: object; self?: object } = { one }
  cycle.self = cycle
  expect(approximateBytes([one, one, one])).toBeLessThan(1_500)
  expect(approximateBytes(cycle)).toBeLessThan(1_500)
})
