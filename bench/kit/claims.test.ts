import { expect, test } from 'vitest'
import { judge } from './claims.ts'
import { Samples } from './figures.ts'

const figures = new Samples()

test('what cannot be judged here is left out', () => {
  expect(judge({ claim: 'x', value: () => undefined, atLeast: 1 }, figures)).toBeUndefined()
})

test('a floor holds at and above its bar', () => {
  const claim = 'at least twice as fast'
  expect(judge({ claim, value: () => 2, atLeast: 2 }, figures)?.holds).toBe(true)
  expect(judge({ claim, value: () => 1.99, atLeast: 2 }, figures)).toEqual({
    claim,
    value: 1.99,
    bar: 2,
    holds: false,
  })
})

test('a ceiling holds at and below its bar', () => {
  const claim = 'costs at most 2 ns'
  expect(judge({ claim, value: () => 2, atMost: 2 }, figures)?.holds).toBe(true)
  expect(judge({ claim, value: () => 2.01, atMost: 2 }, figures)?.holds).toBe(false)
})

test('a figure that came out as NaN holds nothing', () => {
  expect(judge({ claim: 'x', value: () => Number.NaN, atMost: 2 }, figures)?.holds).toBe(false)
  expect(judge({ claim: 'x', value: () => Number.NaN, atLeast: 2 }, figures)?.holds).toBe(false)
})
