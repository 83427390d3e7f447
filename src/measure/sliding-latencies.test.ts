import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SlidingLatencies } from './sliding-latencies.ts'

const window = { windowMs: 60_000, sliceCount: 6, nowMs: 0 }

interface Sample {
  readonly atMs: number
  readonly durationMs: number
}

const samples = fc
  .array(
    fc.record({
      gapMs: fc.integer({ min: 0, max: 15_000 }),
      durationMs: fc.double({ min: 0, max: 100_000, noNaN: true }),
    }),
    { minLength: 1, maxLength: 200 },
  )
  .map((steps) => {
    let atMs = 0
    return steps.map(({ gapMs, durationMs }): Sample => ({ atMs: (atMs += gapMs), durationMs }))
  })

/** What is kept: the slices that touch the window, the newest of which has just begun. */
function kept(all: readonly Sample[], nowMs: number): number[] {
  const from = (Math.floor(nowMs / 10_000) - 5) * 10_000
  return all.filter(({ atMs }) => atMs >= from).map(({ durationMs }) => durationMs)
}

test('counts and percentiles are those of the window, whatever was measured when', () => {
  fc.assert(
    fc.property(
      samples,
      fc.double({ min: 0.1, max: 1_000, noNaN: true }),
      fc.integer({ min: 0, max: 90_000 }),
      (all, budgetMs, laterMs) => {
        const latencies = new SlidingLatencies(budgetMs, window)
        for (const { durationMs, atMs } of all) latencies.add(durationMs, atMs)
        const nowMs = (all.at(-1)?.atMs ?? 0) + laterMs
        const durations = kept(all, nowMs).toSorted((a, b) => a - b)

        expect(latencies.counts(nowMs)).toEqual({
          count: durations.length,
          overCount: durations.filter((durationMs) => durationMs > budgetMs).length,
        })
        for (const percent of [1, 50, 95, 100]) {
          const exact = durations[Math.ceil((percent * durations.length) / 100) - 1]
          const shown = latencies.percentileMs(percent, nowMs)
          if (exact === undefined) expect(shown).toBeUndefined()
          else expect(Math.abs((shown ?? 0) - exact)).toBeLessThanOrEqual(exact / 32 + 0.001)
        }
      },
    ),
  )
})

test.each([
  ['what is longer than any bucket is in the last one', 10 ** 9, 130_000],
  ['what is no duration counts as none', Number.NaN, 0],
  ['nor does a negative one, of a clock that was set', -5, 0],
])('%s', (_what, durationMs, atLeastMs) => {
  const latencies = new SlidingLatencies(100, window)
  latencies.add(durationMs, 0)
  expect(latencies.counts(0).count).toBe(1)
  expect(latencies.percentileMs(50, 0)).toBeGreaterThanOrEqual(atLeastMs)
  expect(latencies.percentileMs(50, 0)).toBeLessThanOrEqual(atLeastMs * 1.04 + 0.001)
})
