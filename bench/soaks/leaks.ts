import { createPool } from 'hotpath/postgres'
import type { Soak } from '../kit/soak.ts'
import { borrow } from './leaks/borrows.ts'

const leaks = 100

const soak: Soak = {
  title: 'clients of hotpath/postgres are borrowed and returned, and a hundred of them kept',
  peers: ['pg'],
  services: ['postgres'],
  operations: 1_000_000,
  run: async ({ url, operations, progress }) => {
    const { found, falseReports } = await borrow({
      createPool,
      url: url('postgres'),
      borrows: operations,
      leaks,
      leakDetectionMs: 2_000,
      progress,
    })
    return {
      contenders: { 'hotpath/postgres': { borrows: operations, leaks, found, falseReports } },
      failures: [],
      claims: [
        {
          claim: 'every leak is reported with the stack of its borrower',
          value: found,
          bar: leaks,
          holds: found === leaks,
        },
        {
          claim: 'no client that was returned is reported, and none twice',
          value: falseReports,
          bar: 0,
          holds: falseReports === 0,
        },
      ],
    }
  },
}

export default soak
