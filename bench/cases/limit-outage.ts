import type { RedisLike } from 'hotpath'
import type { Bench } from '../kit/bench.ts'
import { alignedTable } from '../kit/table.ts'
import { contenders, type Opened } from '../limit/contenders.ts'
import { connectIoredis } from '../limit/ioredis.ts'
import { measureOutage, type Fault, type LimitOutage } from '../limit/outage.ts'

const quota = { limit: 1_000_000, windowMs: 3_600_000 }
const faults: readonly Fault[] = ['kill', 'freeze']

type OpenAt = (url: string) => Promise<Opened>

async function openHotpath(redis: RedisLike, disconnect: () => void): Promise<Opened> {
  const { createLimiter } = await import('hotpath/limit')
  const limiter = createLimiter(quota, { redis })
  return {
    take: async (key) => (await limiter.take(key)).isAllowed,
    close: () => limiter.close().then(disconnect),
  }
}

const ours: Readonly<Record<string, OpenAt>> = {
  'hotpath, ioredis': async (url) => {
    const { fromIoredis } = await import('hotpath')
    const redis = await connectIoredis(url)
    return openHotpath(fromIoredis(redis), () => redis.disconnect())
  },
  'hotpath, node-redis': async (url) => {
    const { fromNodeRedis } = await import('hotpath')
    const { createClient } = await import('redis')
    // Its default waits for up to two seconds between attempts, however soon Redis is back.
    const client = createClient({ url, socket: { reconnectStrategy: 250 } })
    client.on('error', () => {})
    await client.connect()
    return openHotpath(fromNodeRedis(client), () => client.destroy())
  },
}

const peers: Readonly<Record<string, OpenAt>> = Object.fromEntries(
  (['rate-limiter-flexible, ioredis', '@fastify/rate-limit, ioredis'] as const).map((name) => [
    name,
    (url: string) => contenders[name](url, quota),
  ]),
)

const found: { readonly isOurs: boolean; readonly outage: LimitOutage }[] = []

async function measure(): Promise<void> {
  const rows: string[][] = []
  for (const fault of faults) {
    for (const [name, open] of Object.entries({ ...ours, ...peers })) {
      const outage = await measureOutage(fault, open)
      found.push({ isOurs: name in ours, outage })
      rows.push([
        fault,
        name,
        outage.firstMs.toFixed(1),
        outage.laterP99Ms.toFixed(2),
        String(outage.hung),
        String(outage.failed),
        outage.recoveryMs.toFixed(0),
      ])
    }
  }
  const headings = ['', '', 'first ms', 'later p99 ms', 'hung', 'failed', 'recovery ms']
  console.log(
    `\nwhile Redis is away for 2 s\n${alignedTable([headings, ...rows])}\nNaN: no decision was asked for later, because all callers still waited.`,
  )
}

const worst = (of: (outage: LimitOutage) => number) => () =>
  Math.max(...found.filter(({ isOurs }) => isOurs).map(({ outage }) => of(outage)))

const bench: Bench = {
  title: 'what a limiter on Redis answers while Redis is away',
  settings: [
    '20 callers of 50 keys each; each calls again 2 ms after its answer; all uses are allowed',
    'kill: Redis is killed and started again, empty, 2 s later; freeze: SIGSTOP, and SIGCONT 2 s later',
    'first: the longest of the decisions that were under way then, or asked for within 0.1 s; later: of those after that',
    'hung: longer than a second; recovery: from when Redis answers until it hears of uses',
    'limiters with their defaults; all clients try to connect every 250 ms',
  ],
  peers: ['rate-limiter-flexible', '@fastify/rate-limit', 'ioredis', 'redis'],
  services: [],
  rounds: 1,
  processes: 'per-round',
  prepare: measure,
  workloads: {},
  contenders: {},
  baseline: '',
  claims: [
    {
      claim: 'a decision takes at most 25 ms when Redis has just gone',
      value: worst(({ firstMs }) => firstMs),
      atMost: 25,
    },
    {
      claim: 'and at most 1 ms from then on (p99)',
      value: worst(({ laterP99Ms }) => laterP99Ms),
      atMost: 1,
    },
    { claim: 'no decision hangs', value: worst(({ hung }) => hung), atMost: 0 },
    { claim: 'no decision fails', value: worst(({ failed }) => failed), atMost: 0 },
    {
      claim: 'Redis is used again within 2 s of being back',
      value: worst(({ recoveryMs }) => recoveryMs),
      atMost: 2_000,
    },
  ],
}

export default bench
