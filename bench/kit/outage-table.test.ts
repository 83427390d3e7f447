import { expect, test } from 'vitest'
import type { Bench } from './bench.ts'
import { Samples } from './figures.ts'
import { outageKeys, outagePhases } from './outage-callers.ts'
import { outageTable } from './outage-table.ts'

test('two lines for each contender; what was not seen and what did not come back are marked', () => {
  const sample: Record<string, number> = {
    hung: 12,
    failed: 0,
    unhandled: 1,
    recoveryMs: Infinity,
  }
  for (const keys of outageKeys) {
    for (const phase of outagePhases) {
      sample[`${keys}.${phase}.p50Ms`] = keys === 'warm' ? 0.04 : 501
      sample[`${keys}.${phase}.p99Ms`] = 3.14
      sample[`${keys}.${phase}.worstMs`] = phase === 'from600ms' ? Number.NaN : 1_234
    }
  }
  const samples = new Samples()
  samples.add('kill', 'a', sample)
  const bench = { contenders: { a: async () => ({}) } } as unknown as Bench
  const [head, warm, cold] = outageTable(bench, samples, 'kill').split('\n')
  expect(head).toMatch(/keys +before +first 0\.2 s +0\.2–0\.6 s +from 0\.6 s +after/)
  expect(warm).toMatch(/^a +warm +0\.0 \/ 3\.1 \/ 1,234 .* 0\.0 \/ 3\.1 \/ – .* 12 +0 +1 +> 3,000$/)
  expect(cold).toMatch(/^ +cold +501 \/ 3\.1 \/ 1,234/)
})
