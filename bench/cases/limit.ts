import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Random } from '../../examples/api/data/random.ts'
import type { Bench, Contender } from '../kit/bench.ts'
import { alignedTable } from '../kit/table.ts'

const keyCount = 10_000
// A power of two, so that the loop wraps around with a mask.
const draws = 2 ** 16
const mask = draws - 1

// So many uses that all are let through while this is measured, and that a key which was used still
// owes when it comes again.
const limit = 1_000_000
const windowMs = 3_600_000

function contender(open: () => Promise<(key: string) => unknown>): Contender {
  return async ({ workload }) => {
    const take = await open()
    const random = new Random(42)
    const addresses = Array.from({ length: keyCount }, (_, at) => addressOf(at))
    const asked = Array.from(
      { length: draws },
      () => addresses[Math.floor(random.next() * keyCount)] as string,
    )
    for (const address of addresses) take(address)
    let next = 0
    // The text of an address is made anew for each connection: V8 does not know its hash yet.
    const isFresh = workload === 'fresh'
    return {
      operate(times) {
        let sum = 0
        for (let done = 0; done < times; done++) {
          const address = asked[next++ & mask] as string
          sum += take(isFresh ? copyOf(address) : address) === undefined ? 0 : 1
        }
        return sum
      },
    }
  }
}

function addressOf(at: number): string {
  return `10.${at & 127}.${(at * 7) & 255}.${at >>> 7}`
}

function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

/** What ten million keys do, and a million to those that keep an object for each. */
interface ManyKeys {
  readonly grownMb: number
  readonly bytesPerKey: number
  readonly longestPauseMs: number
  readonly equalRatio: number
  readonly falseDenialRatio: number
  readonly nsPerDecision: number
}

let own: ManyKeys | undefined

function manyKeys(): void {
  const main = fileURLToPath(new URL('../limit/memory-main.ts', import.meta.url))
  const rows = [
    ['hotpath', 10_000_000],
    ['@fastify/rate-limit', 1_000_000],
    ['express-rate-limit', 1_000_000],
    ['rate-limiter-flexible', 300_000],
  ].map(([name = '', keys = 0]) => {
    const output = execFileSync(process.execPath, [main, String(name), String(keys)], {
      encoding: 'utf8',
      env: { ...process.env, NODE_ENV: 'production' },
    })
    const found = JSON.parse(output) as ManyKeys
    if (name === 'hotpath') own = found
    const isJudged = name === 'hotpath' || name === '@fastify/rate-limit'
    return [
      String(name),
      Number(keys).toLocaleString('en-US'),
      found.grownMb.toFixed(0),
      found.bytesPerKey.toFixed(1),
      found.longestPauseMs.toFixed(1),
      isJudged ? (100 * found.equalRatio).toFixed(3) : '–',
      found.nsPerDecision.toFixed(0),
    ]
  })
  const heading = [
    'live keys',
    'number',
    'RSS MB',
    'bytes/key',
    'longest pause ms',
    'right %',
    'ns',
  ]
  console.log(`\n${alignedTable([heading, ...rows])}`)
}

function figure(name: keyof ManyKeys): number {
  return own?.[name] ?? Number.NaN
}

const bench: Bench = {
  title: 'a decision of the limiter in memory, and what many keys cost',
  settings: [
    `${keyCount.toLocaleString('en-US')} addresses, in no order; ${limit.toLocaleString('en-US')} uses an hour each, so that all are let through`,
    'same: the text of an address is the same object each time; fresh: it is made anew, as for a new connection, which is part of the time',
    'peers: their stores alone, with room for all keys, without the framework around them',
    'live keys: each used three times, at two a day, in passes over all of them; right: let through twice, refused the third time',
  ],
  peers: ['@fastify/rate-limit', 'express-rate-limit', 'rate-limiter-flexible'],
  services: [],
  rounds: 5,
  processes: 'per-round',
  prepare: async () => manyKeys(),
  workloads: {
    same: { kind: 'operations', about: 'one of 10,000 keys', warmupMs: 150, sliceMs: 150 },
    fresh: {
      kind: 'operations',
      about: 'one of 10,000 keys, in a text that was just made',
      warmupMs: 150,
      sliceMs: 100,
    },
  },
  contenders: {
    '@fastify/rate-limit': contender(async () => {
      const { default: LocalStore } = await import('@fastify/rate-limit/store/LocalStore.js')
      const store = new LocalStore(false, false, 2 * keyCount)
      let seen: unknown
      const keep = (_error: unknown, found: unknown) => (seen = found)
      return (key) => {
        store.incr(key, keep, windowMs, limit)
        return seen
      }
    }),
    hotpath: contender(async () => {
      const { createLimiter } = await import('hotpath/limit')
      const limiter = createLimiter({ limit, windowMs })
      return (key) => limiter.take(key)
    }),
    'express-rate-limit': contender(async () => {
      const { MemoryStore } = await import('express-rate-limit')
      const store = new MemoryStore()
      store.init({ windowMs } as never)
      return (key) => store.increment(key)
    }),
    'rate-limiter-flexible': contender(async () => {
      const { RateLimiterMemory } = await import('rate-limiter-flexible')
      const limiter = new RateLimiterMemory({ points: 2 ** 31, duration: windowMs / 1_000 })
      return (key) => limiter.consume(key)
    }),
    'a Map that counts': contender(async () => {
      const counts = new Map<string, { uses: number; sinceMs: number }>()
      return (key) => {
        const nowMs = Date.now()
        const count = counts.get(key)
        if (count === undefined || nowMs - count.sinceMs > windowMs) {
          counts.set(key, { uses: 1, sinceMs: nowMs })
          return true
        }
        return ++count.uses <= limit
      }
    }),
  },
  baseline: '@fastify/rate-limit',
  claims: [
    {
      claim: 'at least 1.5 times as fast as the fastest correct peer, @fastify/rate-limit',
      value: (figures) =>
        figures.ratio('same', '@fastify/rate-limit', 'hotpath', 'cpuNsPerOperation'),
      atLeast: 1.5,
    },
    {
      claim: 'ten million live keys grow the process by at most 128 MB (2^20 bytes)',
      value: () => figure('grownMb'),
      atMost: 128,
    },
    {
      claim: 'without a pause above 10 ms (a hundred decisions)',
      value: () => figure('longestPauseMs'),
      atMost: 10,
    },
    {
      claim: 'with at least 99 % of the decisions right',
      value: () => figure('equalRatio'),
      atLeast: 0.99,
    },
    {
      claim: 'and fewer than one false denial in a million',
      value: () => figure('falseDenialRatio'),
      atMost: 1e-6,
    },
  ],
}

export default bench
