import type { Bench, ClaimRule, Services } from '../kit/bench.ts'
import { alignedTable } from '../kit/table.ts'
import { addressOf, freezesMs, peerDefaults, takeoverBarsMs } from '../soaks/tasks-crash/bars.ts'
import { engines, type EngineKind } from '../soaks/tasks-crash/engines.ts'
import { median, storm, type StormOutcome } from '../soaks/tasks-crash/storm.ts'

const kinds = Object.keys(engines) as EngineKind[]
const outcomes = new Map<EngineKind, StormOutcome>()

async function run(services: Services): Promise<void> {
  const rows: string[][] = []
  for (const kind of kinds) {
    const outcome = await storm({
      core: import.meta.resolve('hotpath'),
      tasks: import.meta.resolve('hotpath/tasks'),
      kind,
      address: addressOf(kind, services),
      kills: 10,
      freezeEvery: 6,
      freezeMs: freezesMs[kind],
      seed: 1,
    })
    outcomes.set(kind, outcome)
    rows.push([
      kind,
      ...[outcome.tasks, outcome.kills, outcome.freezes, outcome.reExecutions].map(String),
      median(outcome.takeoverMs).toFixed(0),
      Math.max(...outcome.takeoverMs).toFixed(0),
    ])
  }
  const headings = ['', 'tasks', 'kills', 'freezes', 're-executions', 'takeover ms', 'worst ms']
  console.log(`\nworkers killed and frozen\n${alignedTable([headings, ...rows])}`)
}

function claimsOf(kind: EngineKind): ClaimRule[] {
  const value = (of: (outcome: StormOutcome) => number) => () => {
    const outcome = outcomes.get(kind)
    return outcome === undefined ? Infinity : of(outcome)
  }
  return [
    { claim: `${kind}: no task is lost`, value: value(({ lost }) => lost), atMost: 0 },
    {
      claim: `${kind}: no task is completed twice, or by a worker that had lost it`,
      value: value((outcome) => outcome.repeatedCompletions + outcome.fencedCompletions),
      atMost: 0,
    },
    {
      claim: `${kind}: the tasks of a killed worker are begun again within ${takeoverBarsMs[kind]} ms (median)`,
      value: value(({ takeoverMs }) => median(takeoverMs)),
      atMost: takeoverBarsMs[kind],
    },
  ]
}

const bench: Bench = {
  title: 'workers of tasks are killed and frozen in the middle of their work',
  settings: [
    'three worker processes, four tasks of 120 ms at a time in each; a killed one is replaced',
    'kill: SIGKILL; freeze: SIGSTOP, and SIGCONT when others have its tasks',
    'takeover: from the kill until the last of the tasks in hand is begun by another process',
    peerDefaults,
  ],
  peers: ['pg-boss', 'bullmq'],
  services: ['postgres', 'redis'],
  rounds: 1,
  processes: 'per-round',
  prepare: run,
  workloads: {},
  contenders: {},
  baseline: '',
  claims: kinds.flatMap(claimsOf),
}

export default bench
