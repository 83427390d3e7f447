import { createPool } from 'hotpath/postgres'
import type { Claim } from '../kit/claims.ts'
import type { Soak } from '../kit/soak.ts'
import { churn } from './pool-churn/churn.ts'
import type { Fault } from './pool-churn/ledger.ts'

const soak: Soak = {
  title: 'hotpath/postgres in every use at once, while its server processes are killed',
  peers: ['pg'],
  services: ['postgres'],
  operations: 200_000,
  run: async ({ url, operations, seed, progress }) => {
    const { calls, kills, lost, faults, failures } = await churn({
      createPool,
      url: url('postgres'),
      operations,
      seed,
      progress,
    })
    return {
      contenders: { 'hotpath/postgres': { ...calls, kills, lost, ...faults } },
      failures,
      claims: [
        none(
          'no answer was wrong, no confirmed write lost, none done twice',
          faults,
          'wrongResults',
        ),
        none('no caller was left waiting', faults, 'hungCalls'),
        none('no connection was leaked', faults, 'leaks'),
        none('no query ran in a transaction of somebody else', faults, 'foreignTransactions'),
        none('no call failed in a way that it had not asked for', faults, 'unexpectedErrors'),
      ],
    }
  },
}

export default soak

function none(claim: string, faults: Record<Fault, number>, fault: Fault): Claim {
  return { claim, value: faults[fault], bar: 0, holds: faults[fault] === 0 }
}
