import { createPool } from 'hotpath/postgres'
import type { Soak } from '../kit/soak.ts'
import { giveUp } from './cancel/give-ups.ts'
import { race } from './cancel/races.ts'

const withinMs = 50

const soak: Soak = {
  title: 'callers of hotpath/postgres give up: on long queries, and on queries just about to end',
  peers: ['pg'],
  services: ['postgres'],
  operations: 11_000,
  run: async ({ url, operations, seed, progress }) => {
    const given = { createPool, url: url('postgres') }
    const count = Math.ceil(operations / 11)
    const gaveUp = await giveUp({ ...given, count, progress })
    const { failures, ...raced } = await race({
      ...given,
      count: operations - count,
      seed,
      progress: (done) => progress(count + done),
    })
    const sorted = gaveUp.goneMs.sort((a, b) => a - b)
    const worstMs = sorted.at(-1) ?? Infinity
    const keptRatio = gaveUp.kept / count
    return {
      contenders: {
        'long queries given up': {
          count,
          'gone from the server, median ms': sorted[sorted.length >> 1] ?? Infinity,
          'gone from the server, p99 ms': sorted[Math.floor(sorted.length * 0.99)] ?? Infinity,
          'gone from the server, worst ms': worstMs,
          'backends kept': gaveUp.kept,
        },
        'queries raced': { ...raced },
      },
      failures: [...gaveUp.failures, ...failures],
      claims: [
        {
          claim: `a query given up is gone from pg_stat_activity within ${withinMs} ms, every time`,
          value: worstMs,
          bar: withinMs,
          holds: sorted.length === count && worstMs <= withinMs,
        },
        {
          claim: 'its backend goes on being used in at least 99 % of the cases',
          value: keptRatio,
          bar: 0.99,
          holds: keptRatio >= 0.99,
        },
        {
          claim: 'no other query failed, and what was cancelled had no effect',
          value: failures.length + gaveUp.failures.length + gaveUp.leftNotes,
          bar: 0,
          holds: failures.length + gaveUp.failures.length + gaveUp.leftNotes === 0,
        },
      ],
    }
  },
}

export default soak
