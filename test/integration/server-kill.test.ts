import { startPostgres } from '@hotpath/services'
import { expect, test } from 'vitest'
import { killServer } from '../../bench/soaks/server-kill/kills.ts'
import { createPool } from '../../src/postgres/index.ts'

// A reduced run of `npm run soak -- server-kill`, which also has a bar for the time it takes.
test(
  'the server is taken away in three ways: no dead connection is lent, and nobody is forgotten',
  { timeout: 60_000 },
  async () => {
    await using postgres = await startPostgres({ settings: { fsync: 'off' } })
    const outcome = await killServer({ createPool, postgres, kills: 9, seed: 1 })
    expect(outcome.failures).toEqual([])
    expect(outcome).toMatchObject({ deadConnections: 0, hungCalls: 0 })
    expect(Object.values(outcome.firstSuccessMs).flat()).toHaveLength(9)
    expect(outcome.lost).toBeGreaterThan(0)
  },
)
