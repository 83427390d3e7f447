import type { Claim } from '../kit/claims.ts'
import type { Soak } from '../kit/soak.ts'
import { addressOf, freezesMs, peerDefaults, takeoverBarsMs } from './tasks-crash/bars.ts'
import { engines, type EngineKind } from './tasks-crash/engines.ts'
import { median, storm, type StormOutcome } from './tasks-crash/storm.ts'

const kinds = Object.keys(engines) as EngineKind[]

const soak: Soak = {
  title: `workers are killed (and one in ten frozen) in the middle of tasks, on ${kinds.join(', ')}. ${peerDefaults}`,
  peers: ['pg-boss', 'bullmq'],
  services: ['postgres', 'redis'],
  operations: 200 * kinds.length,
  run: async ({ operations, seed, progress, url }) => {
    const outcomes: [EngineKind, StormOutcome][] = []
    const kills = Math.ceil(operations / kinds.length)
    for (const kind of kinds) {
      const outcome = await storm({
        core: import.meta.resolve('hotpath'),
        tasks: import.meta.resolve('hotpath/tasks'),
        kind,
        address: addressOf(kind, { url }),
        kills,
        freezeEvery: 10,
        freezeMs: freezesMs[kind],
        seed,
        progress: (done) => progress(outcomes.length * kills + done),
      })
      outcomes.push([kind, outcome])
    }
    return {
      contenders: Object.fromEntries(
        outcomes.map(([kind, { takeoverMs, ...counts }]) => [
          kind,
          {
            ...counts,
            'takeover, median ms': median(takeoverMs),
            'takeover, worst ms': Math.max(...takeoverMs),
          },
        ]),
      ),
      failures: [],
      claims: outcomes.flatMap(([kind, outcome]) => claimsOf(kind, outcome)),
    }
  },
}

function claimsOf(kind: EngineKind, outcome: StormOutcome): Claim[] {
  const none = (claim: string, value: number) => ({
    claim: `${kind}: ${claim}`,
    value,
    bar: 0,
    holds: value === 0,
  })
  const takeoverMs = median(outcome.takeoverMs)
  const bar = takeoverBarsMs[kind]
  return [
    none('no acknowledged task was lost', outcome.lost),
    none('no task was completed a second time', outcome.repeatedCompletions),
    none('no task was completed by a worker that had lost it', outcome.fencedCompletions),
    {
      claim: `${kind}: the tasks of a killed worker are begun again within ${bar} ms (median)`,
      value: takeoverMs,
      bar,
      holds: takeoverMs <= bar,
    },
  ]
}

export default soak
