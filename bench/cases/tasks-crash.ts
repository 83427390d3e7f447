import type { Bench, Services } from '../kit/bench.ts'
import { alignedTable } from '../kit/table.ts'
import { crash, type CrashOutcome } from '../soaks/tasks-crash/crash.ts'
import { crashEngines, onStoreOf } from '../soaks/tasks-crash/stores.ts'

const kills = 10
const workers = 5
const bystanders = 1
const found = new Map<string, CrashOutcome>()

async function measure(services: Services): Promise<void> {
  const rows: string[][] = []
  for (const engine of crashEngines) {
    const outcome = await onStoreOf(engine, services, (store) =>
      crash({
        engine: engine.name,
        tasks: import.meta.resolve('hotpath/tasks'),
        postgres: import.meta.resolve('hotpath/postgres'),
        store,
        concurrency: 2,
        workers,
        bystanders,
        kills,
      }),
    )
    found.set(engine.name, outcome)
    const { medianTakeoverMs, worstTakeoverMs, tasks, executions, fenced } = outcome
    rows.push([
      engine.name,
      String(medianTakeoverMs),
      String(worstTakeoverMs),
      String(tasks),
      String(executions),
      String(fenced),
      engine.peer,
    ])
  }
  const headings = ['', 'takeover ms', 'worst', 'tasks', 'executions', 'fenced', 'its peer']
  console.log(`\n${alignedTable([headings, ...rows])}`)
}

const sum = (of: (outcome: CrashOutcome) => number) => () =>
  [...found.values()].reduce((total, outcome) => total + of(outcome), 0)

const bench: Bench = {
  title: 'workers killed and frozen in the middle of tasks',
  settings: [
    `${kills} times on each engine, every third a freeze; ${workers} workers with 2 tasks each, of 200 to 800 ms, and ${bystanders} that lives`,
    'takeover: from the death of a worker until another began its task, the median over those tasks',
    'the engines with their defaults; more executions than tasks: those that were begun again',
  ],
  peers: ['pg-boss', 'bullmq'],
  services: ['postgres', 'redis'],
  rounds: 1,
  processes: 'per-round',
  prepare: measure,
  workloads: {},
  contenders: {},
  baseline: '',
  claims: [
    { claim: 'no acknowledged task is lost', value: sum(({ lost }) => lost), atMost: 0 },
    {
      claim: 'no task is completed twice',
      value: sum(({ completedTwice }) => completedTwice),
      atMost: 0,
    },
    {
      claim: 'no task is completed by a fenced worker',
      value: sum(({ completedByFenced }) => completedByFenced),
      atMost: 0,
    },
    ...crashEngines.map(({ name, takeoverMs }) => ({
      claim: `${name}: the median takeover takes at most ${takeoverMs} ms`,
      value: () => found.get(name)?.medianTakeoverMs ?? Infinity,
      atMost: takeoverMs,
    })),
  ],
}

export default bench
