import { createServer, type Server } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Bench, Contender, Figures, HttpWorkload, Subject } from '../kit/bench.ts'

export const ttlMs = 60_000
export const contentType = 'application/json; charset=utf-8'

interface Post {
  id: number
  title: string
  author: string
  score: number
  createdAt: string
}

const subjects = ['an index', 'a transaction', 'the event loop', 'a connection pool', 'a stream']
const posts = Array.from({ length: 20 }, (_, index): Post => ({
  id: 4_711 + index * 13,
  title: `How do I find out why ${subjects[index % subjects.length]} is slow?`,
  author: `Author ${(index * 37) % 101}`,
  score: (index * 29) % 83,
  createdAt: new Date(Date.UTC(2026, 0, 1 + index, index, 59 - index)).toISOString(),
}))

/** What the routes answer with: a page of a list, and a single object. */
export const bodies: Readonly<Record<string, { posts: Post[] }>> = {
  '/posts': { posts },
  '/post': { posts: posts.slice(0, 2) },
}

const schema = {
  response: {
    200: {
      type: 'object',
      properties: {
        posts: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              id: { type: 'integer' },
              title: { type: 'string' },
              author: { type: 'string' },
              score: { type: 'integer' },
              createdAt: { type: 'string' },
            },
          },
        },
      },
    },
  },
}

export const bareHttp: Contender = async () => {
  // Strings, not Buffers: Node sends a string together with the headers, in one write.
  const answers = new Map(
    Object.entries(bodies).map(([path, body]) => {
      const text = JSON.stringify(body)
      return [path, { text, byteLength: Buffer.byteLength(text) }]
    }),
  )
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? '')
    if (answer === undefined) {
      response.writeHead(404).end()
      return
    }
    const { text, byteLength } = answer
    response.writeHead(200, { 'content-type': contentType, 'content-length': byteLength })
    response.end(text)
  })
  return listen(server)
}

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

const hotpathNode: Contender = async () => {
  const { hotpath } = await import('hotpath/node')
  const hot = hotpath({ cache: { name: 'responses' } })
  const listeners = new Map(
    Object.entries(bodies).map(([path, body]) => [
      path,
      hot.cached({ route: path, ttlMs, isPublic: true }, (_request, response) => {
        response.setHeader('content-type', contentType)
        response.end(JSON.stringify(body))
      }),
    ]),
  )
  return listen(
    createServer((request, response) => {
      const listener = listeners.get(request.url ?? '')
      if (listener === undefined) response.writeHead(404).end()
      else void listener(request, response)
    }),
  )
}

const hotpathFastify: Contender = async () => {
  const { hotpath } = await import('hotpath/fastify')
  return serveFastify(async (app) => {
    await app.register(hotpath, { cache: { name: 'responses' } })
    for (const [path, body] of Object.entries(bodies)) {
      const config = { hotpath: { cache: { ttlMs, isPublic: true } } }
      app.get(path, { schema, config }, () => body)
    }
  })
}

export async function serveFastify(build: (app: FastifyInstance) => unknown): Promise<Subject> {
  const { default: fastify } = await import('fastify')
  const app = fastify()
  await build(app)
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
}

export async function listen(server: Server): Promise<Subject> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** One of the routes under load. */
export function cachedRoute(about: string, path: string): HttpWorkload {
  return {
    kind: 'http',
    about,
    path,
    connections: 32,
    pipelining: 8,
    warmupMs: 150,
    sliceMs: 400,
    latencySliceMs: 250,
  }
}

const bench: Bench = {
  title: 'a cached route, against a server that does nothing but send the same bytes',
  settings: [
    'every contender answers with the same bytes, from one process on one core',
    '32 keep-alive connections; requests/s and CPU with batches of 8 requests on each, so that the server is the limit; p50 and p99 with one',
    `caches: room for 1,000 entries, a TTL of ${ttlMs / 1_000} s, all requests hits; Redis on the core of the load`,
  ],
  peers: ['fastify', 'redis', 'lru-cache', 'bentocache', 'express', 'apicache'],
  services: ['redis'],
  rounds: 5,
  processes: 'per-run',
  workloads: {
    posts: cachedRoute(`a list of ${posts.length} posts`, '/posts'),
  },
  contenders: {
    // Next to each other, so that what they are compared in is as close in time as can be.
    'node:http, bare': bareHttp,
    'hotpath on Fastify': hotpathFastify,
    'hotpath on node:http': hotpathNode,
    'Fastify, no cache': bareFastify,
    'Fastify + Redis by hand': fastifyRedis,
    'Fastify + lru-cache by hand': fastifyLruCache,
    'Fastify + bentocache': fastifyBentocache,
    'Express + apicache': expressApicache,
  },
  baseline: 'node:http, bare',
  claims: ['hotpath on Fastify', 'hotpath on node:http'].flatMap((name) => [
    {
      claim: `${name} serves at least 0.95× the requests of bare node:http, each second`,
      value: (figures: Figures) =>
        figures.ratio('posts', name, 'node:http, bare', 'requestsPerSecond'),
      atLeast: 0.95,
    },
    {
      claim: `${name} uses for each request at most 1/0.85 of the CPU time of bare node:http`,
      value: (figures: Figures) =>
        figures.ratio('posts', name, 'node:http, bare', 'cpuMicrosPerRequest'),
      atMost: 1 / 0.85,
    },
  ]),
}

export default bench
