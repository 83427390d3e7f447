import { startPostgres } from '@hotpath/services'
import { createPool } from 'hotpath/postgres'
import type { Soak } from '../kit/soak.ts'
import { killServer } from './server-kill/kills.ts'

const withinMs = 250

const soak: Soak = {
  title: 'PostgreSQL is taken away from hotpath/postgres: backends terminated, killed, frozen',
  peers: ['pg'],
  services: [],
  operations: 100,
  run: async ({ operations, seed, progress }) => {
    await using postgres = await startPostgres({ settings: { fsync: 'off' } })
    const outcome = await killServer({ createPool, postgres, kills: operations, seed, progress })
    const { firstSuccessMs, failures, ...counts } = outcome
    const all = Object.values(firstSuccessMs).flat()
    const worst = Object.entries(firstSuccessMs).map(([kind, times]) => [
      `first success after ${kind}, worst ms`,
      Math.max(...times),
    ])
    const faults = counts.deadConnections + failures.length
    return {
      contenders: {
        'hotpath/postgres': { kills: operations, ...counts, ...Object.fromEntries(worst) },
      },
      failures,
      claims: [
        {
          claim: 'no dead connection was handed out',
          value: faults,
          bar: 0,
          holds: faults === 0,
        },
        {
          claim: 'no waiter was lost',
          value: counts.hungCalls,
          bar: 0,
          holds: counts.hungCalls === 0,
        },
        {
          claim: `the first call goes well within ${withinMs} ms of the server being ready`,
          value: Math.max(...all),
          bar: withinMs,
          holds: Math.max(...all) <= withinMs,
        },
      ],
    }
  },
}

export default soak
