import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import type { RedisLike } from 'hotpath'
import type * as Ioredis from 'ioredis'
import type { Bench, Contender, Figures, OutageCache, OutageWorkload } from '../kit/bench.ts'
import { callersOfEach, giveUpMs, loaderMs } from '../kit/outage-callers.ts'

const ttlMs = 60_000
const beforeMs = 500
const outageMs = 2_000
const afterMs = 600

/** What every contender is made of twice: the one that is measured, and the one that writes. */
interface Instance {
  getOrSet(key: string, load: () => Promise<string>): Promise<unknown>
  set(key: string, value: string): Promise<unknown>
  get(key: string): Promise<unknown>
  close(): Promise<unknown>
}

function contender(open: (url: string, namespace: string) => Promise<Instance>): Contender {
  return async ({ url, workload }) => {
    // Nothing is there that an earlier run has left.
    const namespace = `${workload}-${process.pid}`
    const [measured, writer] = await Promise.all([
      open(url('redis'), namespace),
      open(url('redis'), namespace),
    ])
    const cache: OutageCache = {
      getOrSet: (key, load) => measured.getOrSet(key, load),
      write: (key, value) => writer.set(key, value),
      read: (key) => measured.get(key),
    }
    return {
      cache,
      // Some wait for ever for a Redis that they have given up.
      close: () => Promise.race([Promise.all([measured.close(), writer.close()]), pause(500)]),
    }
  }
}

async function openHotpath(
  redis: RedisLike,
  name: string,
  disconnect: () => void,
): Promise<Instance> {
  const { createCache } = await import('hotpath/cache')
  const cache = createCache<string>({ name, ttlMs, redis })
  return {
    getOrSet: (key, load) => cache.getOrSet(key, load),
    set: (key, value) => cache.set(key, value),
    get: (key) => cache.get(key),
    close: () => cache.close().then(disconnect),
  }
}

const hotpathOnRedis = contender(async (url, namespace) => {
  const { createClient } = await import('redis')
  const { fromNodeRedis } = await import('hotpath')
  // Its default waits for up to two seconds between attempts, however soon Redis is back.
  const client = createClient({ url, socket: { reconnectStrategy: 250 } })
  client.on('error', ignore)
  await client.connect()
  return openHotpath(fromNodeRedis(client), namespace, () => client.destroy())
})

const hotpathOnIoredis = contender(async (url, namespace) => {
  const { fromIoredis } = await import('hotpath')
  // The version that hotpath asks for; this workspace has the one that bentocache asks for.
  const requireOfRoot = createRequire(new URL('../../package.json', import.meta.url))
  const { Redis } = requireOfRoot('ioredis') as typeof Ioredis
  const client = new Redis(url, { retryStrategy: () => 250 })
  client.on('error', ignore)
  return openHotpath(fromIoredis(client), namespace, () => client.disconnect())
})

const bentocache = contender(async (url, namespace) => {
  const { BentoCache, bentostore } = await import('bentocache')
  const { memoryDriver } = await import('bentocache/drivers/memory')
  const { redisDriver } = await import('bentocache/drivers/redis')
  const { Redis } = await import('ioredis')
  const connection = new Redis(url)
  connection.on('error', ignore)
  const store = bentostore().useL1Layer(memoryDriver({})).useL2Layer(redisDriver({ connection }))
  const cache = new BentoCache({
    default: 'both',
    ttl: ttlMs,
    prefix: namespace,
    stores: { both: store },
  })
  return {
    getOrSet: (key, factory) => cache.getOrSet({ key, factory }),
    set: (key, value) => cache.set({ key, value }),
    get: (key) => cache.get({ key }),
    close: () => cache.disconnectAll(),
  }
})

const cacheable = contender(async (url, namespace) => {
  const { Cacheable } = await import('cacheable')
  const { default: KeyvRedis } = await import('@keyv/redis')
  const cache = new Cacheable({ secondary: new KeyvRedis(url), ttl: ttlMs, namespace })
  cache.on('error', ignore)
  return {
    getOrSet: (key, load) => cache.getOrSet(key, load),
    set: (key, value) => cache.set(key, value),
    get: (key) => cache.get(key),
    close: () => cache.disconnect(),
  }
})

const cacheManager = contender(async (url, namespace) => {
  const { createCache } = await import('cache-manager')
  const { createKeyv } = await import('cacheable')
  const { createKeyv: createKeyvRedis } = await import('@keyv/redis')
  const memory = createKeyv({ ttl: ttlMs })
  const redis = createKeyvRedis(url, { namespace })
  redis.on('error', ignore)
  const cache = createCache({ ttl: ttlMs, stores: [memory, redis] })
  return {
    getOrSet: (key, load) => cache.wrap(key, load),
    set: (key, value) => cache.set(key, value),
    get: (key) => cache.get(key),
    close: () => cache.disconnect(),
  }
})

/** What an application would log. */
function ignore(): void {}

function outage(fault: OutageWorkload['fault'], about: string): OutageWorkload {
  return { kind: 'outage', about, fault, beforeMs, outageMs, afterMs }
}

const faults = {
  kill: outage('kill', 'Redis is killed, and started again, empty, 2 s later'),
  freeze: outage('freeze', 'Redis is frozen (SIGSTOP), and goes on 2 s later'),
} as const
const ours = ['hotpath on redis', 'hotpath on ioredis'] as const

/** The worst of a metric over both faults and both clients. */
function worst(figures: Figures, metric: string): number {
  const values = Object.keys(faults).flatMap((fault) =>
    ours.map((name) => figures.median(fault, name, metric)),
  )
  return Math.max(...values)
}

const bench: Bench = {
  title: 'a cache in memory and Redis, while Redis is away',
  settings: [
    `${callersOfEach} callers of 100 keys that are in memory and ${callersOfEach} of keys that nobody has asked for; each calls again 4 ms after its answer; the loader takes ${loaderMs} ms`,
    `a call that is not answered within ${giveUpMs} ms is given up and counts as hung, with that latency`,
    'recovery: from when Redis answers until what another instance writes is read back through it',
    'hotpath on ioredis 6, bentocache on the ioredis 5 that it asks for',
    'caches and clients with their defaults, but for attempts to connect, between which the clients would wait up to two seconds: under hotpath they try every 250 ms, as its guide says',
  ],
  peers: ['redis', 'ioredis', 'bentocache', 'cacheable', 'cache-manager', '@keyv/redis'],
  services: ['redis'],
  rounds: 1,
  processes: 'per-round',
  workloads: faults,
  contenders: {
    'hotpath on redis': hotpathOnRedis,
    'hotpath on ioredis': hotpathOnIoredis,
    bentocache,
    cacheable,
    'cache-manager': cacheManager,
  },
  baseline: 'hotpath on redis',
  claims: [
    {
      claim:
        'hits in memory stay under 1 ms (p99) for 0.6 s, of the 1 s for which memory is believed without a sign of Redis',
      value: (figures) =>
        Math.max(worst(figures, 'warm.to200ms.p99Ms'), worst(figures, 'warm.to600ms.p99Ms')),
      atMost: 1,
    },
    {
      claim:
        'a miss costs the loader and the deadline of 50 ms at most, once (p99 of the first 0.2 s)',
      value: (figures) => worst(figures, 'cold.to200ms.p99Ms'),
      atMost: loaderMs + 50 + 10,
    },
    {
      claim: 'and from then on the loader and at most 5 ms (p99)',
      value: (figures) =>
        Math.max(worst(figures, 'cold.to600ms.p99Ms'), worst(figures, 'cold.from600ms.p99Ms')),
      atMost: loaderMs + 5,
    },
    {
      claim: 'Redis is used again within 1 s of being back',
      value: (figures) => worst(figures, 'recoveryMs'),
      atMost: 1_000,
    },
    {
      claim: 'no call hangs or fails, and no rejection is left unhandled',
      value: (figures) =>
        ['hung', 'failed', 'unhandled'].reduce((sum, metric) => sum + worst(figures, metric), 0),
      atMost: 0,
    },
  ],
}

export default bench
