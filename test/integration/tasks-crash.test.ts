import { expect, test } from 'vitest'
import { median, storm } from '../../bench/soaks/tasks-crash/storm.ts'

// A reduced run of `npm run soak -- tasks-crash`.
test(
  'workers are killed and frozen in the middle of tasks: none is lost, each is completed once',
  { timeout: 120_000 },
  async () => {
    const outcome = await storm({
      core: new URL('../../src/index.ts', import.meta.url).href,
      tasks: new URL('../../src/tasks/index.ts', import.meta.url).href,
      kind: 'sqlite',
      kills: 4,
      freezeEvery: 3,
      freezeMs: 3_000,
      seed: 1,
    })
    expect(outcome).toMatchObject({
      lost: 0,
      repeatedCompletions: 0,
      fencedCompletions: 0,
      kills: 4,
    })
    expect(outcome.takeoverMs.length).toBeGreaterThan(0)
    // The bar of the bench is 2 s; here other tests share the machine.
    expect(median(outcome.takeoverMs)).toBeLessThan(6_000)
  },
)
