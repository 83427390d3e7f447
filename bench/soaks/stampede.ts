import type { Soak } from '../kit/soak.ts'
import { stampede } from './stampede/stampede.ts'

const processes = 8
const callers = 1_000
const keysPerKill = 5
const leaseMs = 5_000
/** What a waiter may be late by: its longest pause between two looks, and the machine. */
const toleranceMs = 500

const soak: Soak = {
  title: `${callers} callers in each of ${processes} processes on one cold key after the other`,
  peers: ['redis'],
  services: ['redis'],
  operations: 200_000,
  run: async ({ url, operations, seed, progress }) => {
    const { failures, repeatedLoads, worstTakeoverMs, ...counts } = await stampede({
      core: import.meta.resolve('hotpath'),
      cache: import.meta.resolve('hotpath/cache'),
      url: url('redis'),
      namespace: `stampede:${seed}`,
      leaseMs,
      processes,
      callers,
      keys: Math.max(keysPerKill, Math.round(operations / processes / callers)),
      keysPerKill,
      progress,
    })
    const latestMs = leaseMs + toleranceMs
    return {
      contenders: { 'hotpath/cache': { ...counts, repeatedLoads, worstTakeoverMs } },
      failures,
      claims: [
        {
          claim:
            'each key was loaded once, or once more where the process that loaded it was killed',
          value: repeatedLoads,
          bar: 0,
          holds: repeatedLoads === 0,
        },
        {
          claim: `another process took over within the lease of ${leaseMs} ms (and ${toleranceMs} ms)`,
          value: Math.round(worstTakeoverMs),
          bar: latestMs,
          holds: worstTakeoverMs > 0 && worstTakeoverMs <= latestMs,
        },
      ],
    }
  },
}

export default soak
