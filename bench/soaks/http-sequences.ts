import type { Soak } from '../kit/soak.ts'
import { runSequence } from './http-sequences/sequence.ts'

const soak: Soak = {
  title:
    'requests of two users in two roles, with and without credentials: who is sent whose bytes',
  peers: [],
  services: [],
  operations: 120_000,
  run: async ({ operations, seed, progress }) => {
    const counts = { requests: 0, stored: 0 }
    const failures: string[] = []
    for (let at = 0; at < operations; at++) {
      try {
        await runSequence(seed + at, counts)
      } catch (error) {
        failures.push(`sequence ${seed + at}: ${(error as Error).message}`)
        if (failures.length === 20) break
      }
      if (at % 1_000 === 0) progress(at)
    }
    const { requests, stored } = counts
    return {
      contenders: { 'the response cache': { sequences: operations, requests, stored } },
      failures,
      claims: [
        {
          claim: 'nobody was sent what was not his to see',
          value: failures.length,
          bar: 0,
          holds: failures.length === 0,
        },
        {
          claim:
            'at least 15 % of the answers came from the cache, so that there was something to see',
          value: stored / requests,
          bar: 0.15,
          holds: stored / requests >= 0.15,
        },
      ],
    }
  },
}

export default soak
