import { describe, expect, test } from 'vitest'
import { judge, type Measurement, type ProofRow } from './row.ts'

const row: ProofRow = {
  id: 'some',
  order: 1,
  what: 'some pattern',
  unit: 'ms',
  better: 'lower',
  claimed: '50 → 2 ms',
  budgetMs: 1_000,
  aims: { gain: 10, gainOverUsual: 1 },
  measure: async () => measurement,
}
const measurement: Measurement = {
  rounds: { naive: [90, 100, 5_000], usual: [3, 4, 5], hotpath: [2, 1, 3] },
}

describe('a judged row', () => {
  test('shows medians, which one odd round does not move', () => {
    expect(judge(row, measurement).medians).toEqual({ naive: 100, usual: 4, hotpath: 2 })
  })

  test('has gains above 1 where hotpath is better, in either direction', () => {
    expect(judge(row, measurement)).toMatchObject({ gain: 50, gainOverUsual: 2 })
    const higher = judge({ ...row, better: 'higher' }, measurement)
    expect(higher).toMatchObject({ gain: 0.02, gainOverUsual: 0.5 })
  })

  test('says nothing when its aims are met', () => {
    expect(judge(row, measurement).shortfalls).toEqual([])
    expect(judge({ ...row, aims: undefined }, measurement).shortfalls).toEqual([])
  })

  test('says plainly which aim fell short', () => {
    const short = judge({ ...row, aims: { gain: 100, gainOverUsual: 2.5 } }, measurement)
    expect(short.shortfalls).toEqual([
      { over: 'naive', text: 'some pattern: 50× over naive, short of the 100× we aim for.' },
      { over: 'usual', text: 'some pattern: 2× over usual, short of the 2.5× we aim for.' },
    ])
  })

  test('an aim over naive may be met by other evidence, the one over usual may not', () => {
    const short = judge(
      { ...row, aims: { gain: 100, gainOverUsual: 2.5 } },
      { ...measurement, gainAimMetBy: 'naive cannot hold the rate at all' },
    )
    expect(short.shortfalls.map(({ over }) => over)).toEqual(['usual'])
  })

  test('a figure that is missing is a shortfall, not a pass', () => {
    const missing = judge(row, { rounds: { naive: [1], usual: [1], hotpath: [] } })
    expect(missing.shortfalls).toHaveLength(2)
  })
})
