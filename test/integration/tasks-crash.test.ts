import { expect, test } from 'vitest'
import { freezesMs } from '../../bench/soaks/tasks-crash/bars.ts'
import { median, storm } from '../../bench/soaks/tasks-crash/storm.ts'
import { useDatabase, useRedis } from '../services.ts'

const addresses = {
  sqlite: undefined,
  postgres: (await useDatabase()).url,
  redis: useRedis().url,
} as const
// The bars of the bench are 2, 15 and 10 s; here other tests share the machine.
const takeoverMs = { sqlite: 6_000, postgres: 20_000, redis: 20_000 } as const

// A reduced run of `npm run soak -- tasks-crash`.
test.each(['sqlite', 'postgres', 'redis'] as const)(
  'on %s workers are killed and frozen in the middle of tasks: none is lost, each is completed once',
  { timeout: 120_000 },
  async (kind) => {
    const outcome = await storm({
      core: new URL('../../src/index.ts', import.meta.url).href,
      tasks: new URL('../../src/tasks/index.ts', import.meta.url).href,
      kind,
      address: addresses[kind],
      kills: 4,
      freezeEvery: 3,
      freezeMs: freezesMs[kind],
      seed: 1,
    })
    expect(outcome).toMatchObject({
      lost: 0,
      repeatedCompletions: 0,
      fencedCompletions: 0,
      kills: 4,
    })
    expect(outcome.takeoverMs.length).toBeGreaterThan(0)
    expect(median(outcome.takeoverMs)).toBeLessThan(takeoverMs[kind])
  },
)
