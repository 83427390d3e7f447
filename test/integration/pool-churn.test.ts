import { expect, test } from 'vitest'
import { churn } from '../../bench/soaks/pool-churn/churn.ts'
import { createPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()

// A reduced run of `npm run soak -- pool-churn`.
test(
  'a pool in every use at once, its server processes being killed',
  { timeout: 60_000 },
  async () => {
    const ledger = await churn({ createPool, url, operations: 3_000, seed: 1 })
    expect(ledger.failures).toEqual([])
    expect(ledger.kills).toBeGreaterThan(5)
    expect(Object.keys(ledger.calls)).toHaveLength(8)
  },
)
