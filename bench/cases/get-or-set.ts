import { Random } from '../../examples/api/data/random.ts'
import { createZipf } from '../../examples/api/proof/load/zipf.ts'
import type { Bench, Contender, Figures, Subject } from '../kit/bench.ts'

const resident = 10_000
// A little more than is asked for: bentocache keeps what it knows of its tags among the values.
const room = 10_240
const ttlMs = 600_000
// Powers of two, so that the loop wraps around with a mask.
const draws = 2 ** 16
const missed = 2 ** 17

interface User {
  readonly id: number
}

/** What a contender is given to fill its cache with. */
type Load = (key: string) => Promise<User>

/** Its cache, as one function: the value of a key, loaded where it is missing. */
type Fetch = (key: string) => Promise<User> | User

function contender(open: (load: Load) => Promise<Fetch>): Contender {
  return async ({ workload }): Promise<Subject> => {
    let loads = 0
    const fetch = await open(async (key) => ({ id: key.length + (loads++ & 1) }))
    const keys = Array.from({ length: resident }, (_, rank) => `user:${rank}`)
    const isHit = workload === 'hit'
    if (isHit) for (const key of keys) await fetch(key)
    loads = 0

    const asked = isHit
      ? Array.from({ length: draws }, createZipf(keys, 1, new Random(42)))
      : Array.from({ length: missed }, (_, at) => `guest:${at}`)
    const mask = asked.length - 1
    let next = 0
    return {
      async operateAwaited(times) {
        let sum = 0
        for (let done = 0; done < times; done++) {
          const found = fetch(asked[next++ & mask] as string)
          sum += (found instanceof Promise ? await found : found).id
        }
        // A hit that loads and a miss that does not would be measured as something else.
        if (isHit ? loads > 0 : loads < next) throw new Error(`${loads} loads of ${next} calls`)
        return sum
      },
    }
  }
}

async function openBentocache() {
  const { BentoCache, bentostore } = await import('bentocache')
  const { memoryDriver } = await import('bentocache/drivers/memory')
  const memory = bentostore().useL1Layer(memoryDriver({ maxItems: room, serialize: false }))
  return new BentoCache({ default: 'memory', ttl: ttlMs, stores: { memory } })
}

const bench: Bench = {
  title: 'getOrSet, awaited, from memory',
  settings: [
    `room for ${room.toLocaleString('en-US')} values and a TTL of ${ttlMs / 60_000} minutes; one call after the other, each awaited`,
    `hit: ${resident.toLocaleString('en-US')} keys, all resident, asked for by zipf (exponent 1)`,
    'miss: each key is new, and its loader an async function that returns a small object at once',
    'hotpath and bentocache with a tag for each value, which the others do not have here; hotpath with its statistics, the others without',
    '"peek" and ".get" first look without a promise, and call getOrSet or .fetch only when that finds nothing',
  ],
  peers: ['lru-cache', 'async-cache-dedupe', 'cache-manager', 'bentocache', 'cacheable'],
  services: [],
  rounds: 4,
  processes: 'per-round',
  workloads: {
    hit: { kind: 'awaited', about: 'a value that is there', warmupMs: 300, sliceMs: 150 },
    miss: { kind: 'awaited', about: 'a value that has to be loaded', warmupMs: 250, sliceMs: 120 },
  },
  contenders: {
    'lru-cache .fetch': contender(async (load) => {
      const { LRUCache } = await import('lru-cache')
      const cache = new LRUCache<string, User>({ max: room, ttl: ttlMs, fetchMethod: load })
      return (key) => cache.fetch(key) as Promise<User>
    }),
    'hotpath/cache': contender(async (load) => {
      const { createCache } = await import('hotpath/cache')
      const cache = createCache<User>({ name: 'users', ttlMs, memory: { maxEntries: room } })
      return (key) => cache.getOrSet(key, () => load(key), { tags: ['users'] })
    }),
    'hotpath/cache, peek': contender(async (load) => {
      const { createCache } = await import('hotpath/cache')
      const cache = createCache<User>({ name: 'users', ttlMs, memory: { maxEntries: room } })
      return (key) => cache.peek(key) ?? cache.getOrSet(key, () => load(key), { tags: ['users'] })
    }),
    'lru-cache .get': contender(async (load) => {
      const { LRUCache } = await import('lru-cache')
      const cache = new LRUCache<string, User>({ max: room, ttl: ttlMs, fetchMethod: load })
      return (key) => cache.get(key) ?? (cache.fetch(key) as Promise<User>)
    }),
    'async-cache-dedupe': contender(async (load) => {
      const { createCache } = await import('async-cache-dedupe')
      const storage = { type: 'memory', options: { size: room } } as const
      const cache = createCache({ ttl: ttlMs / 1_000, storage }).define('user', load)
      return (key) => cache.user(key)
    }),
    'cache-manager': contender(async (load) => {
      const { createCache } = await import('cache-manager')
      const { createKeyv } = await import('cacheable')
      const cache = createCache({ stores: [createKeyv({ ttl: ttlMs, lruSize: room })] })
      return (key) => cache.wrap(key, () => load(key))
    }),
    bentocache: contender(async (load) => {
      const cache = await openBentocache()
      return (key) => cache.getOrSet({ key, factory: () => load(key), tags: ['users'] })
    }),
    'bentocache, no tags': contender(async (load) => {
      const cache = await openBentocache()
      return (key) => cache.getOrSet({ key, factory: () => load(key) })
    }),
    cacheable: contender(async (load) => {
      const { Cacheable, createKeyv } = await import('cacheable')
      const primary = createKeyv({ lruSize: room, useClone: false })
      const cache = new Cacheable({ primary, ttl: ttlMs })
      return (key) => cache.getOrSet(key, () => load(key)) as Promise<User>
    }),
  },
  baseline: 'lru-cache .fetch',
  claims: [
    {
      claim: 'a hit takes no longer than with lru-cache .fetch',
      value: (figures) =>
        figures.ratio('hit', 'hotpath/cache', 'lru-cache .fetch', 'cpuNsPerOperation'),
      atMost: 1,
    },
    ...['bentocache', 'cacheable'].map((peer) => ({
      claim: `a hit with ${peer} takes at least 10 times as long`,
      value: (figures: Figures) => figures.ratio('hit', peer, 'hotpath/cache', 'cpuNsPerOperation'),
      atLeast: 10,
    })),
  ],
}

export default bench
