import { expect, test } from 'vitest'
import { Habit } from './habit.ts'

interface Runs {
  readonly count: number
  /** So many runs apart, one takes this long. */
  readonly longMs?: number
  readonly every?: number
  readonly usualMs?: number
  readonly isItsOwn?: boolean
}

function run(habit: Habit, runs: Runs): void {
  const { count, longMs = 50, every = Infinity, usualMs = 0.3, isItsOwn = true } = runs
  for (let at = 1; at <= count; at++) habit.learn(at % every === 0 ? longMs : usualMs, isItsOwn)
}

test('a statement is quick once it has run, and takes little time as a rule', () => {
  const habit = new Habit()
  expect(habit.isQuick).toBe(false)
  run(habit, { count: 1 })
  expect(habit.isQuick).toBe(true)
})

test('the usual time follows a changed habit within a few dozen runs', () => {
  const habit = new Habit()
  run(habit, { count: 64, usualMs: 10 })
  expect(habit.usualMs).toBeGreaterThan(9)
  expect(habit.isQuick).toBe(false)
  run(habit, { count: 64, usualMs: 0.1 })
  expect(habit.usualMs).toBeLessThan(1)
  expect(habit.isQuick).toBe(true)
})

test('a single stall leaves it quick', () => {
  const habit = new Habit()
  run(habit, { count: 101, every: 100, longMs: 2_000 })
  expect(habit.isQuick).toBe(true)
})

test('with one stall in a hundred it is not quick, however quick the runs between', () => {
  const habit = new Habit()
  run(habit, { count: 1_000, every: 100 })
  for (let hundred = 0; hundred < 100; hundred++) {
    run(habit, { count: 99 })
    expect(habit.usualMs).toBeLessThan(1)
    expect(habit.isQuick).toBe(false)
    run(habit, { count: 1, every: 1 })
  }
})

test('and is quick again when it has not stalled for a while', () => {
  const habit = new Habit()
  run(habit, { count: 10_000, every: 100 })
  run(habit, { count: 500 })
  expect(habit.isQuick).toBe(false)
  run(habit, { count: 1_500 })
  expect(habit.isQuick).toBe(true)
})

test.each<[string, Partial<Runs>]>([
  ['that come once in a thousand', { every: 1_000 }],
  ['of less than a stall', { every: 50, longMs: 20 }],
  ['that many have together', { every: 100, isItsOwn: false }],
])('it stays quick with long runs %s', (_about, runs) => {
  const habit = new Habit()
  run(habit, { count: 10_000, ...runs })
  expect(habit.isQuick).toBe(true)
})

test('and where a busy machine makes many runs late, and a few as late as a stall', () => {
  const habit = new Habit()
  for (let hundred = 0; hundred < 100; hundred++) {
    run(habit, { count: 75 })
    run(habit, { count: 24, every: 1, longMs: 8 })
    run(habit, { count: 1, every: 1, longMs: 30 })
    run(habit, { count: 30 })
    expect(habit.isQuick).toBe(true)
  }
})

test('it is uneven as long as it stalls and is quick between', () => {
  const habit = new Habit()
  run(habit, { count: 1_050, every: 100 })
  expect(habit.isUneven).toBe(true)
  run(habit, { count: 64, usualMs: 10 })
  expect(habit.isUneven).toBe(false)
})
