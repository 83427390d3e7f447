import { expect, test } from 'vitest'
import { stampede } from '../../bench/soaks/stampede/stampede.ts'
import { useRedis } from '../services.ts'

const { url, prefix } = useRedis()
const leaseMs = 2_000

// A reduced run of `npm run soak -- stampede`.
test(
  'of all callers in all processes one loads, and another one where its process is killed',
  { timeout: 60_000 },
  async () => {
    const outcome = await stampede({
      core: new URL('../../src/index.ts', import.meta.url).href,
      cache: new URL('../../src/cache/index.ts', import.meta.url).href,
      url,
      namespace: prefix,
      leaseMs,
      processes: 3,
      callers: 1_000,
      keys: 4,
      keysPerKill: 4,
    })
    expect(outcome.failures).toEqual([])
    expect(outcome).toMatchObject({ calls: 12_000, loads: 5, kills: 1, repeatedLoads: 0 })
    expect(outcome.worstTakeoverMs).toBeLessThan(leaseMs + 1_000)
  },
)
