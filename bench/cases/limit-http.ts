import { createServer } from 'node:http'
import type { Bench, Contender } from '../kit/bench.ts'
import { besides, listen, serveFastify } from '../kit/cached-route.ts'

const body = { ok: true, message: 'a small answer, so that the limiter is seen' }
const limit = 900_000_000
const windowMs = 3_600_000

// What our limiter tells a client, as texts that are there already: so much is Node's and the
// framework's own cost of two headers.
const fixedHead: readonly (readonly [string, string])[] = [
  ['ratelimit-policy', '"900000000/hour";q=900000000;w=3600'],
  ['ratelimit', '"900000000/hour";r=899999999;t=1'],
]

const fastifyWith =
  (limiter: 'none' | 'fixed' | 'hotpath' | 'peer'): Contender =>
  async () => {
    const { hotpath } = await import('hotpath/fastify')
    const { default: rateLimit } = await import('@fastify/rate-limit')
    return serveFastify(async (app) => {
      if (limiter === 'hotpath') {
        await app.register(hotpath, { cache: false, limit: { policy: { limit, windowMs } } })
      } else if (limiter === 'peer') {
        await app.register(rateLimit, { max: limit, timeWindow: windowMs })
      } else if (limiter === 'fixed') {
        app.addHook('onRequest', (_request, reply, next) => {
          for (const [name, value] of fixedHead) reply.header(name, value)
          next()
        })
      }
      app.get('/posts', () => body)
    })
  }

const expressWith =
  (limiter: 'none' | 'fixed' | 'hotpath' | 'peer'): Contender =>
  async () => {
    const { default: express } = await import('express')
    const { hotpath } = await import('hotpath/express')
    const { rateLimit } = await import('express-rate-limit')
    const app = express().disable('x-powered-by').disable('etag')
    if (limiter === 'hotpath') {
      app.use(hotpath({ cache: false, limit: { policy: { limit, windowMs } } }))
    } else if (limiter === 'peer') {
      app.use(rateLimit({ limit, windowMs, standardHeaders: 'draft-8', legacyHeaders: false }))
    } else if (limiter === 'fixed') {
      app.use((_request, response, next) => {
        for (const [name, value] of fixedHead) response.setHeader(name, value)
        next()
      })
    }
    app.get('/posts', (_request, response) => void response.json(body))
    return listen(createServer(app))
  }

const honoWith =
  (limiter: 'none' | 'hotpath' | 'peer'): Contender =>
  async () => {
    const { Hono } = await import('hono')
    const { getRequestListener } = await import('@hono/node-server')
    const { hotpath } = await import('hotpath/hono')
    const { rateLimiter } = await import('hono-rate-limiter')
    const app = new Hono()
    if (limiter === 'hotpath') {
      app.use(hotpath({ cache: false, limit: { policy: { limit, windowMs } } }))
    } else if (limiter === 'peer') {
      // It has no address to go by: all are one.
      app.use(rateLimiter({ limit, windowMs, keyGenerator: () => 'all' }))
    }
    app.get('/posts', (context) => context.json(body))
    const listener = getRequestListener(app.fetch)
    return listen(createServer((request, response) => void listener(request, response)))
  }

const bench: Bench = {
  title: 'what a limit for each client costs a server whose route answers at once',
  settings: [
    'every contender answers with the same bytes, from one process on one core; all requests are let through',
    '32 keep-alive connections; requests/s and CPU with batches of 8 requests on each, so that the server is the limit',
    'fixed headers: the two that hotpath sends, as constant texts, and no limiter: what Node itself takes for them',
    'each limiter with its default headers (express-rate-limit: those of draft 8), counting in memory',
  ],
  peers: [
    'fastify',
    '@fastify/rate-limit',
    'express',
    'express-rate-limit',
    'hono',
    'hono-rate-limiter',
  ],
  services: [],
  rounds: 5,
  processes: 'per-run',
  workloads: {
    posts: {
      kind: 'http',
      about: 'a small answer',
      path: '/posts',
      connections: 32,
      pipelining: 8,
      warmupMs: 150,
      sliceMs: 350,
      latencySliceMs: 150,
    },
  },
  contenders: {
    Fastify: fastifyWith('none'),
    'Fastify, fixed headers': fastifyWith('fixed'),
    'hotpath on Fastify': fastifyWith('hotpath'),
    '@fastify/rate-limit': fastifyWith('peer'),
    Express: expressWith('none'),
    'Express, fixed headers': expressWith('fixed'),
    'hotpath on Express': expressWith('hotpath'),
    'express-rate-limit': expressWith('peer'),
    Hono: honoWith('none'),
    'hotpath on Hono': honoWith('hotpath'),
    'hono-rate-limiter': honoWith('peer'),
  },
  baseline: 'Fastify',
  claims: [
    ...besides('hotpath on Fastify', 'Fastify', 1 / 1.05).slice(1),
    ...besides('hotpath on Express', 'Express', 1 / 1.1).slice(1),
  ],
}

export default bench
