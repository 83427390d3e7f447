import { expect, test } from 'vitest'
import { storm } from '../../bench/soaks/abort/storm.ts'

// A reduced run of `npm run soak -- abort`; so few requests say nothing about memory.
test.each(['fastify', 'node'] as const)(
  'clients of %s that go in the middle of a compressed answer leave nothing behind',
  { timeout: 60_000 },
  async (framework) => {
    const outcome = await storm({
      framework,
      adapter: new URL(`../../src/adapters/${framework}/index.ts`, import.meta.url).href,
      core: new URL('../../src/index.ts', import.meta.url).href,
      requests: 1_500,
      seed: 1,
    })
    expect(outcome).toMatchObject({ requests: 1_500, leaked: 0, pending: 0 })
    expect(outcome.aborted).toBeGreaterThan(250)
    expect(outcome.bodies).toBeGreaterThan(1_000)
    expect(outcome.streams).toBeGreaterThan(100)
  },
)
