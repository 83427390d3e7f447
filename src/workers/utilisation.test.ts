import { expect, test } from 'vitest'
import { Utilisation } from './utilisation.ts'

test('counts the time in which threads have work, also that which is not over', () => {
  const use = new Utilisation(0, 1_000)
  expect(use.ratio(2, 0)).toBe(0)
  use.change(1, 100)
  expect(use.ratio(2, 200)).toBe(0.25)
  use.change(1, 200)
  use.change(-1, 300)
  use.change(-1, 400)
  expect(use.ratio(2, 400)).toBe(0.5)
})

test('forgets what is longer ago than the window before this one', () => {
  const use = new Utilisation(0, 1_000)
  use.change(1, 0)
  use.change(-1, 1_000)
  expect(use.ratio(1, 1_500)).toBeCloseTo(2 / 3)
  expect(use.ratio(1, 2_000)).toBe(0)
})
