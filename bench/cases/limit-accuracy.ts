import type { Bench, Services } from '../kit/bench.ts'
import { alignedTable } from '../kit/table.ts'
import { measureAccuracy, type Accuracy } from '../limit/accuracy.ts'
import { contenders } from '../limit/contenders.ts'
import { measureWindowEdge, type WindowEdge } from '../limit/window-edge.ts'

const processes = 4
const durationMs = 8_000
const runs = {
  'one key': { keys: 1, policy: { limit: 2_000, windowMs: 1_000, burst: 2_000 } },
  '1,000 keys': { keys: 1_000, policy: { limit: 1, windowMs: 1_000, burst: 20 } },
}
const edgeQuota = { limit: 100, windowMs: 1_000 }

const accuracies: Accuracy[] = []
const edges = new Map<string, WindowEdge>()

async function measure({ url }: Services): Promise<void> {
  const rows: string[][] = []
  for (const [title, run] of Object.entries(runs)) {
    const accuracy = await measureAccuracy({ ...run, url: url('redis'), processes, durationMs })
    accuracies.push(accuracy)
    const { limit, burst } = run.policy
    rows.push([
      title,
      `${limit.toLocaleString('en-US')} a second, burst ${burst.toLocaleString('en-US')}`,
      accuracy.admitted.toLocaleString('en-US'),
      accuracy.ideal.toLocaleString('en-US'),
      `${(100 * accuracy.underUse).toFixed(2)} %`,
      accuracy.excess.toFixed(2),
    ])
  }
  const headings = ['', 'of each key', 'let through', 'ideal', 'under-use', 'fullest window']
  console.log(
    `\n${processes} processes for ${durationMs / 1_000} s, one of them killed in the middle\n${alignedTable([headings, ...rows])}`,
  )
  await measureEdges(url('redis'))
}

async function measureEdges(url: string): Promise<void> {
  for (const [name, open] of Object.entries(contenders)) {
    const { take, close } = await open(url, edgeQuota)
    edges.set(name, await measureWindowEdge(take, edgeQuota))
    await close()
  }
  const rows = [...edges].map(([name, { within, excess }]) => [
    name,
    `${within}`,
    excess.toFixed(2),
  ])
  console.log(
    `\nthe edge of a window: ${edgeQuota.limit} a second; one use, 0.92 s of rest, then a flood\n${alignedTable([['', 'within 0.1 s', 'fullest window'], ...rows])}`,
  )
}

const bench: Bench = {
  title: 'how exactly processes that share a Redis keep a limit',
  settings: [
    'each process always wants more than there is, and writes down each use with the monotonic clock that all share',
    'one process is ended by kill -9 after a half of the time, SCRIPT FLUSH comes after two thirds, the clock of one is five minutes ahead',
    'ideal: burst + rate × time, in whole uses of each key, from its first use on',
    'fullest window: the most that any time T has seen of any key, less burst + rate × T, in uses; above 0 is too many',
    'a use is in a window if it was asked for and answered in it; for those answered without Redis that is one moment',
    'no process decides without Redis here: an answer may take 10 s, after which a use would be refused',
  ],
  peers: ['rate-limiter-flexible', '@fastify/rate-limit', 'rate-limit-redis', 'ioredis', 'redis'],
  services: ['redis'],
  rounds: 1,
  processes: 'per-round',
  prepare: measure,
  workloads: {},
  contenders: {},
  baseline: '',
  claims: [
    {
      claim: 'uses beyond burst + rate × T in the fullest window of any key',
      value: () => Math.max(...accuracies.map(({ excess }) => excess)),
      atMost: 0,
    },
    {
      claim: 'what is missing to the ideal under constant demand, at most 1 %',
      value: () => Math.max(...accuracies.map(({ underUse }) => underUse)),
      atMost: 0.01,
    },
    {
      claim: 'uses beyond burst + rate × T at the edge of a window',
      value: () =>
        Math.max(
          ...['hotpath, ioredis', 'hotpath, node-redis'].map(
            (name) => edges.get(name)?.excess ?? NaN,
          ),
        ),
      atMost: 0,
    },
  ],
}

export default bench
