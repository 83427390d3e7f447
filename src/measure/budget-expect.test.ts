import { AssertionError } from 'node:assert'
import { describe, expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { expectWithinBudget, type ExpectBudgetOptions } from './index.ts'

/** Work that takes, call by call, as long as it is told; the last one for all that follow. */
function workOf(...durationsMs: number[]) {
  const clock = createManualClock()
  let calls = 0
  return {
    clock,
    calls: () => calls,
    work: async () => {
      clock.advance(durationsMs[Math.min(calls++, durationsMs.length - 1)] ?? 0)
    },
  }
}

describe('expectWithinBudget', () => {
  test('measures after the warm-up, and says what it has measured', async () => {
    const { work, clock, calls } = workOf(900, 900, 900, 900, 900, 4, 8, 6)
    const measured = await expectWithinBudget(work, { p95Ms: 10, clock })
    expect(calls()).toBe(45)
    expect(measured).toMatchObject({ p50Ms: 6, p95Ms: 6, maxMs: 8 })
    expect(measured.durationsMs).toHaveLength(40)
  })

  test('two of forty may be slower, three not', async () => {
    const two = workOf(50, 50, 1)
    await expectWithinBudget(two.work, { p95Ms: 10, warmUp: 0, clock: two.clock })
    const three = workOf(50, 50, 50, 1)
    const failing = expectWithinBudget(three.work, { p95Ms: 10, warmUp: 0, clock: three.clock })
    const error = await failing.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AssertionError)
    expect((error as Error).message.split('\n').slice(0, 2)).toEqual([
      'the p95 of 40 calls is 50.0 ms, over the budget of 10 ms',
      '  3 of them were over it; median 1.0 ms, slowest 50.0 ms',
    ])
  })

  test('exactly the budget is within it', async () => {
    const { work, clock } = workOf(10)
    await expect(expectWithinBudget(work, { p95Ms: 10, clock })).resolves.toMatchObject({
      p95Ms: 10,
    })
  })

  test('what the work throws goes through', async () => {
    const failing = expectWithinBudget(() => Promise.reject(new Error('no database')), {
      p95Ms: 10,
    })
    await expect(failing).rejects.toThrow('no database')
  })

  test.each([
    [{}, 'p95Ms must be a duration'],
    [{ p95Ms: 10, repetitions: 19 }, 'repetitions must be at least 20'],
    [{ p95Ms: 10, warmUp: -1 }, 'warmUp must be a whole number'],
    [{ p95ms: 10 }, 'has no option'],
  ])('refuses %j', async (options, message) => {
    const asked = expectWithinBudget(() => {}, options as ExpectBudgetOptions)
    await expect(asked).rejects.toThrow(message)
  })
})
