import { AssertionError } from 'node:assert'
import {
  invalid,
  knownOptions,
  nonNegativeInteger,
  positiveInteger,
  positiveMs,
  systemClock,
  type Clock,
} from '../core/index.ts'

/** What {@link expectWithinBudget} goes by. */
export interface ExpectBudgetOptions {
  /** What 95 of 100 calls must not exceed, in milliseconds. */
  p95Ms: number
  /**
   * How often the work is measured, at least 20 times: of fewer, the p95 is the slowest one.
   *
   * @defaultValue 40
   */
  repetitions?: number | undefined
  /**
   * How often it runs before, unmeasured: connections are opened, caches filled, code is compiled.
   *
   * @defaultValue 5
   */
  warmUp?: number | undefined
  /** @defaultValue the real time */
  clock?: Clock | undefined
}

/** What was measured, in milliseconds. */
export interface MeasuredCalls {
  readonly p50Ms: number
  readonly p95Ms: number
  readonly maxMs: number
  /** In the order of the calls. */
  readonly durationsMs: readonly number[]
}

/**
 * Runs `work` again and again, one call after the other, and fails when the p95 of what the calls take
 * is over the budget. For any test runner: it rejects with an `AssertionError` whose message holds
 * what was measured. What `work` throws goes through.
 *
 * @returns what was measured
 * @throws AssertionError
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * test('a user is answered in time', async () => {
 *   await expectWithinBudget(() => app.inject('/users/1'), { p95Ms: 100 })
 * })
 * ```
 */
export async function expectWithinBudget(
  work: () => unknown,
  options: ExpectBudgetOptions,
): Promise<MeasuredCalls> {
  const { p95Ms, repetitions, warmUp, clock } = resolveExpectOptions(options)
  for (let call = 0; call < warmUp; call++) await work()
  const durationsMs: number[] = []
  for (let call = 0; call < repetitions; call++) {
    const startedMs = clock.monotonicMs()
    await work()
    durationsMs.push(clock.monotonicMs() - startedMs)
  }
  const measured = summarise(durationsMs)
  if (measured.p95Ms > p95Ms) {
    throw new AssertionError({
      message: describe(measured, p95Ms, warmUp),
      actual: measured.p95Ms,
      expected: p95Ms,
      operator: 'expectWithinBudget',
      stackStartFn: expectWithinBudget,
    })
  }
  return measured
}

function resolveExpectOptions(options: ExpectBudgetOptions) {
  knownOptions('expectWithinBudget', options, ['p95Ms', 'repetitions', 'warmUp', 'clock'])
  const { repetitions = 40, warmUp = 5, clock = systemClock } = options
  if (positiveInteger('repetitions', repetitions) < 20) {
    invalid('repetitions', 'at least 20: of fewer calls the p95 is the slowest one', repetitions)
  }
  return {
    p95Ms: positiveMs('p95Ms', options.p95Ms),
    repetitions,
    warmUp: nonNegativeInteger('warmUp', warmUp),
    clock,
  }
}

function summarise(durationsMs: readonly number[]): MeasuredCalls {
  const sorted = durationsMs.toSorted((a, b) => a - b)
  const atPercent = (percent: number) =>
    sorted[Math.ceil((percent * sorted.length) / 100) - 1] as number
  return { p50Ms: atPercent(50), p95Ms: atPercent(95), maxMs: atPercent(100), durationsMs }
}

function describe(measured: MeasuredCalls, budgetMs: number, warmUp: number): string {
  const { p50Ms, p95Ms, maxMs, durationsMs } = measured
  const over = durationsMs.filter((durationMs) => durationMs > budgetMs).length
  const text = (ms: number) => `${ms.toFixed(1)} ms`
  return [
    `the p95 of ${durationsMs.length} calls is ${text(p95Ms)}, over the budget of ${budgetMs} ms`,
    `  ${over} of them were over it; median ${text(p50Ms)}, slowest ${text(maxMs)}`,
    `  in order, after ${warmUp} to warm up: ${durationsMs.map((ms) => ms.toFixed(1)).join(', ')}`,
  ].join('\n')
}
