import { expect, test } from 'vitest'
import { excessOf } from './excess.ts'

const quota = { burst: 3, perMs: 0.01 }
const at = (...times: number[]) => times.map((ms) => ({ askedMs: ms, heardMs: ms }))

test('a burst, and then what the rate gives, is no excess', () => {
  expect(excessOf(at(0, 0, 0, 100, 200, 300), quota)).toBe(0)
})

test('one more than that is one too many, wherever it comes', () => {
  expect(excessOf(at(0, 0, 0, 0), quota)).toBe(1)
  expect(excessOf(at(0, 1_000, 1_000, 1_000, 1_100, 1_100, 1_200), quota)).toBeCloseTo(1)
})

test('what may have been decided before the window is not counted in it', () => {
  expect(excessOf([...at(150, 150, 150), { askedMs: 0, heardMs: 150 }], quota)).toBeLessThan(1)
})
