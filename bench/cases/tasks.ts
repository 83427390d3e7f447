import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Bench, Services } from '../kit/bench.ts'
import { alignedTable } from '../kit/table.ts'
import { measureEnqueue, median, type EnqueueLatency } from '../tasks/enqueue-latency.ts'
import type { Order } from '../tasks/throughput-main.ts'

const rounds = 3
const jobs = 20_000
const concurrency = 100
const mainFile = new URL('../tasks/throughput-main.ts', import.meta.url).pathname

const latencies: EnqueueLatency[] = []
const rates: Record<Order['contender'], number[]> = { sqlite: [], bullmq: [] }

async function measure({ url }: Services): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    latencies.push(await measureEnqueue(300))
    const order: Order['contender'][] = round % 2 ? ['bullmq', 'sqlite'] : ['sqlite', 'bullmq']
    for (const contender of order) {
      rates[contender].push(await run({ contender, redisUrl: url('redis'), jobs, concurrency }))
    }
  }
  const latencyRows = latencies.map(({ bareMs, enqueueMs, bytes }) => [
    `${bytes} bytes`,
    bareMs.toFixed(3),
    enqueueMs.toFixed(3),
    `${(enqueueMs / bareMs).toFixed(2)}×`,
  ])
  const rateRows = Object.entries(rates).map(([name, values]) => [
    name,
    ...values.map((value) => value.toFixed(0)),
  ])
  console.log(
    `\none enqueue at a time, p50\n${alignedTable([['', 'bare write and fsync, ms', 'enqueue, ms', 'ratio'], ...latencyRows])}`,
  )
  console.log(`\nempty jobs a second\n${alignedTable([['', '1', '2', '3'], ...rateRows])}`)
}

async function run(order: Order): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [mainFile, JSON.stringify(order)])
  return (JSON.parse(stdout) as { jobsPerSecond: number }).jobsPerSecond
}

const bench: Bench = {
  title: 'tasks on SQLite: what an enqueue costs, and how many run in a second',
  settings: [
    'enqueue: one at a time, in turns with a write and fsync of as many bytes to a file beside it',
    `empty jobs: ${jobs} that are there already, ${concurrency} at a time, one process; the time until the last is completed`,
    'SQLite: each completion is on disk before it counts; Redis: as its append-only file is set here',
  ],
  peers: ['bullmq'],
  services: ['redis'],
  rounds: 1,
  processes: 'per-round',
  prepare: measure,
  workloads: {},
  contenders: {},
  baseline: '',
  claims: [
    {
      claim: 'an enqueue on SQLite takes at most 1.3 times a bare write and fsync (p50)',
      value: () => median(latencies.map(({ bareMs, enqueueMs }) => enqueueMs / bareMs)),
      atMost: 1.3,
    },
    {
      claim: 'SQLite runs at least twice as many empty jobs as BullMQ on Redis',
      value: () =>
        median(rates.sqlite.map((rate, round) => rate / (rates.bullmq[round] ?? Number.NaN))),
      atLeast: 2,
    },
  ],
}

export default bench
