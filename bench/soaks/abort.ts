import type { Claim } from '../kit/claims.ts'
import type { Soak } from '../kit/soak.ts'
import { storm, type StormOutcome } from './abort/storm.ts'

const frameworks = ['fastify', 'node'] as const

const soak: Soak = {
  title:
    'compressed answers, a fifth of them to clients that go in the middle, with the thresholds of malloc fixed',
  peers: ['fastify'],
  services: [],
  operations: 1_000_000,
  run: async ({ operations, seed, progress }) => {
    const requests = Math.round(operations / frameworks.length)
    const contenders: Record<string, Record<string, number>> = {}
    const claims: Claim[] = []
    for (const [at, framework] of frameworks.entries()) {
      const { growth, ...counts } = await storm({
        framework,
        adapter: import.meta.resolve(`hotpath/${framework}`),
        core: import.meta.resolve('hotpath'),
        requests,
        seed,
        progress: (done) => progress(at * requests + done),
      })
      contenders[`hotpath/${framework}`] = counts
      claims.push(...claimsOf(framework, { growth, ...counts }))
    }
    return { contenders, failures: [], claims }
  },
}

export default soak

function claimsOf(framework: string, { growth, leaked, pending }: StormOutcome): Claim[] {
  const none = { bar: 0, holds: leaked + pending === 0 }
  return [
    {
      claim: `${framework}: memory grows by at most 2 % after the warm-up`,
      value: growth,
      bar: 0.02,
      holds: growth <= 0.02,
    },
    {
      claim: `${framework}: no handle is left, and no body with the compressor`,
      value: leaked + pending,
      ...none,
    },
  ]
}
