import { createServer } from 'node:http'
import type { Hono } from 'hono'
import type { Bench, Contender, Subject } from '../kit/bench.ts'
import {
  bareHttp,
  besides,
  bodies,
  cachedHead,
  cachedRoute,
  contentType,
  listen,
  posts,
  settings,
  ttlMs,
} from '../kit/cached-route.ts'

const emptyHono: Contender = async () => {
  const { Hono } = await import('hono')
  const app = new Hono()
  for (const [path, body] of Object.entries(bodies)) {
    const text = JSON.stringify(body)
    const head = { ...cachedHead, 'content-type': contentType }
    app.get(path, (context) => context.body(text, 200, head))
  }
  return serve(app)
}

const hotpathHono: Contender = async () => {
  const { Hono } = await import('hono')
  const { hotpath } = await import('hotpath/hono')
  const hot = hotpath({ cache: { name: 'responses' } })
  const app = new Hono()
  app.use(hot)
  for (const [path, body] of Object.entries(bodies)) {
    const step = hot.cached({ ttlMs, isPublic: true })
    app.get(path, step, (context) =>
      context.body(JSON.stringify(body), 200, { 'content-type': contentType }),
    )
  }
  return serve(app)
}

async function serve(app: Hono): Promise<Subject> {
  const { getRequestListener } = await import('@hono/node-server')
  const listener = getRequestListener(app.fetch)
  return listen(createServer((request, response) => void listener(request, response)))
}

const bench: Bench = {
  title:
    'a cached route on Hono (@hono/node-server), against an empty one that sends the same bytes',
  settings: [
    ...settings,
    'the empty route sends a text that is ready, with the same head, by context.body',
  ],
  peers: ['hono', '@hono/node-server'],
  services: [],
  rounds: 7,
  processes: 'per-run',
  workloads: {
    posts: cachedRoute(`a list of ${posts.length} posts`, '/posts'),
  },
  contenders: {
    'Hono, empty route': emptyHono,
    'hotpath on Hono': hotpathHono,
    'node:http, bare': bareHttp(),
  },
  baseline: 'Hono, empty route',
  claims: besides('hotpath on Hono', 'Hono, empty route', 1),
}

export default bench
