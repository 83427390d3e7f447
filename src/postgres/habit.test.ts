import { expect, test } from 'vitest'
import { Habit } from './habit.ts'

// A run of 50 ms among so many of 0.3 ms.
function mixed(habit: Habit, runs: number, stallEvery: number, wasSteady = true): void {
  for (let run = 1; run <= runs; run++) habit.learn(run % stallEvery === 0 ? 50 : 0.3, wasSteady)
}

function quick(habit: Habit, runs: number): void {
  for (let run = 0; run < runs; run++) habit.learn(0.3, true)
}

test('a statement is quick once it has run, and takes little time as a rule', () => {
  const habit = new Habit()
  expect(habit.isQuick).toBe(false)
  habit.learn(0.3, true)
  expect(habit.isQuick).toBe(true)
})

test('the usual time follows a changed habit within a few dozen runs', () => {
  const habit = new Habit()
  for (let run = 0; run < 64; run++) habit.learn(10, true)
  expect(habit.usualMs).toBeGreaterThan(9)
  expect(habit.isQuick).toBe(false)
  for (let run = 0; run < 64; run++) habit.learn(0.1, true)
  expect(habit.usualMs).toBeLessThan(1)
  expect(habit.isQuick).toBe(true)
})

test('a statement with one stall in a hundred is not quick for long, and stays so', () => {
  const habit = new Habit()
  mixed(habit, 1_000, 100)
  quick(habit, 90)
  expect(habit.usualMs).toBeLessThan(1)
  expect(habit.isQuick).toBe(false)
  mixed(habit, 10_000, 100)
  quick(habit, 90)
  expect(habit.isQuick).toBe(false)
})

test('and is quick again when no stall has come for a while', () => {
  const habit = new Habit()
  mixed(habit, 10_000, 100)
  quick(habit, 2_000)
  expect(habit.isQuick).toBe(true)
})

test.each([
  ['one in a thousand', 50, 1_000, 0.3],
  ['of 12 ms', 12, 50, 0.3],
  ['less than twenty times as long as usual', 25, 50, 1.4],
])('it stays quick with long runs %s', (_about, longMs, every, usualMs) => {
  const habit = new Habit()
  for (let run = 1; run <= 10_000; run++) habit.learn(run % every === 0 ? longMs : usualMs, true)
  quick(habit, 90)
  expect(habit.isQuick).toBe(true)
})

test('what took long while everything stood still says nothing of the statement', () => {
  const habit = new Habit()
  mixed(habit, 10_000, 100, false)
  quick(habit, 90)
  expect(habit.isQuick).toBe(true)
})
