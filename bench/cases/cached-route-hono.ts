import type { Server } from 'node:http'
import type { Hono } from 'hono'
import type { Bench, Contender, Subject } from '../kit/bench.ts'
import { bareHttp, bodies, cachedRoute, contentType, listen, ttlMs } from './cached-route.ts'

/** The least that a route of Hono does: it has the bytes, and sends them. */
const emptyRoute: Contender = () =>
  serveHono((app) => {
    for (const [path, body] of Object.entries(bodies)) {
      const text = JSON.stringify(body)
      app.get(path, (context) => context.body(text, 200, { 'content-type': contentType }))
    }
  })

const json: Contender = () =>
  serveHono((app) => {
    for (const [path, body] of Object.entries(bodies)) app.get(path, (c) => c.json(body))
  })

const hotpathHono: Contender = async () => {
  const { hotpath } = await import('hotpath/hono')
  const hot = hotpath({ cache: { name: 'responses' } })
  return serveHono((app) => {
    app.use(hot)
    for (const [path, body] of Object.entries(bodies)) {
      app.get(path, hot.cached({ ttlMs, isPublic: true }), (c) => c.json(body))
    }
  })
}

async function serveHono(build: (app: Hono) => void): Promise<Subject> {
  const { Hono } = await import('hono')
  const { createAdaptorServer } = await import('@hono/node-server')
  const app = new Hono()
  build(app)
  return listen(createAdaptorServer({ fetch: app.fetch }) as Server)
}

const bench: Bench = {
  title: 'a cached route on Hono, against an empty one that sends the same bytes',
  settings: [
    'every contender answers with the same bytes, from one process on one core',
    'the empty route has the bytes ready and does no more than send them; Hono runs on @hono/node-server',
    '32 keep-alive connections; requests/s and CPU with batches of 8 requests on each, so that the server is the limit; p50 and p99 with one',
  ],
  peers: ['hono', '@hono/node-server'],
  services: [],
  rounds: 5,
  processes: 'per-run',
  workloads: { posts: cachedRoute('a list of 20 posts', '/posts') },
  contenders: {
    'Hono, empty route': emptyRoute,
    'hotpath on Hono': hotpathHono,
    'Hono, c.json': json,
    'node:http, bare': bareHttp,
  },
  baseline: 'Hono, empty route',
  claims: [
    {
      claim: 'hotpath on Hono serves at least as many requests as an empty route, each second',
      value: (figures) =>
        figures.ratio('posts', 'hotpath on Hono', 'Hono, empty route', 'requestsPerSecond'),
      atLeast: 1,
    },
  ],
}

export default bench
