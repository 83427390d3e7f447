import { createServer } from 'node:http'
import type { Bench, Contender } from '../kit/bench.ts'
import {
  bareHttp,
  besides,
  bodies,
  cachedRoute,
  contentType,
  hotpathFastify,
  hotpathNode,
  listen,
  posts,
  schema,
  serveFastify,
  settings,
  ttlMs,
} from '../kit/cached-route.ts'

const bareFastify: Contender = () =>
  serveFastify((app) => {
    for (const [path, body] of Object.entries(bodies)) app.get(path, { schema }, () => body)
  })

const fastifyRedis: Contender = async ({ url }) => {
  const { createClient } = await import('redis')
  const redis = await createClient({ url: url('redis') }).connect()
  return serveFastify((app) => {
    for (const [path, body] of Object.entries(bodies)) {
      app.get(path, async (_request, reply) => {
        reply.header('content-type', contentType)
        const key = `response:${path}`
        const stored = await redis.get(key)
        if (stored !== null) return stored
        const text = JSON.stringify(body)
        await redis.set(key, text, { expiration: { type: 'PX', value: ttlMs } })
        return text
      })
    }
    app.addHook('onClose', async () => redis.destroy())
  })
}

const fastifyLruCache: Contender = async () => {
  const { LRUCache } = await import('lru-cache')
  const cache = new LRUCache<string, string>({ max: 1_000, ttl: ttlMs })
  return serveFastify((app) => {
    for (const [path, body] of Object.entries(bodies)) {
      app.get(path, (_request, reply) => {
        const stored = cache.get(path)
        const text = stored ?? JSON.stringify(body)
        if (stored === undefined) cache.set(path, text)
        reply.header('content-type', contentType).send(text)
      })
    }
  })
}

const fastifyBentocache: Contender = async () => {
  const { BentoCache, bentostore } = await import('bentocache')
  const { memoryDriver } = await import('bentocache/drivers/memory')
  // The text is stored as it is sent: neither is it serialised again by the cache nor by Fastify.
  const memory = bentostore().useL1Layer(memoryDriver({ maxItems: 1_000, serialize: false }))
  const cache = new BentoCache({ default: 'memory', ttl: ttlMs, stores: { memory } })
  return serveFastify((app) => {
    for (const [path, body] of Object.entries(bodies)) {
      app.get(path, async (_request, reply) => {
        reply.header('content-type', contentType)
        return cache.getOrSet({ key: path, factory: () => JSON.stringify(body) })
      })
    }
  })
}

const expressApicache: Contender = async () => {
  const { default: express } = await import('express')
  const { default: apicache } = await import('apicache')
  const app = express()
  app.disable('x-powered-by')
  for (const [path, body] of Object.entries(bodies)) {
    app.get(path, apicache.middleware(`${ttlMs / 1_000} seconds`), (_request, response) => {
      response.json(body)
    })
  }
  return listen(createServer(app))
}

const bench: Bench = {
  title: 'a cached route, against a server that does nothing but send the same bytes',
  settings: [
    ...settings,
    'bare: with the head of a cached response (Age, Cache-Status, ETag); body only: without',
    'Redis on the core of the load',
  ],
  peers: ['fastify', 'redis', 'lru-cache', 'bentocache', 'express', 'apicache'],
  services: ['redis'],
  rounds: 4,
  processes: 'per-run',
  workloads: {
    posts: cachedRoute(`a list of ${posts.length} posts`, '/posts'),
  },
  contenders: {
    // Next to each other, so that what they are compared in is as close in time as can be.
    'node:http, bare': bareHttp(),
    'hotpath on Fastify': hotpathFastify(),
    'hotpath on node:http': hotpathNode(),
    'node:http, body only': bareHttp({}),
    'Fastify, no cache': bareFastify,
    'Fastify + Redis by hand': fastifyRedis,
    'Fastify + lru-cache by hand': fastifyLruCache,
    'Fastify + bentocache': fastifyBentocache,
    'Express + apicache': expressApicache,
  },
  baseline: 'node:http, bare',
  claims: ['hotpath on Fastify', 'hotpath on node:http'].flatMap((contender) =>
    besides(contender, 'node:http, bare', 0.95),
  ),
}

export default bench
