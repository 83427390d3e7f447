import { createServer } from 'node:http'
import type { Express } from 'express'
import type { Bench, Contender } from '../kit/bench.ts'
import {
  bareHttp,
  besides,
  bodies,
  cachedHead,
  cachedRoute,
  listen,
  posts,
  settings,
  ttlMs,
} from '../kit/cached-route.ts'

const emptyExpress: Contender = async () => {
  const { default: express } = await import('express')
  const app = configured(express())
  for (const [path, body] of Object.entries(bodies)) {
    const text = JSON.stringify(body)
    app.get(path, (_request, response) => void response.set(cachedHead).type('json').send(text))
  }
  return listen(createServer(app))
}

const hotpathExpress: Contender = async () => {
  const { default: express } = await import('express')
  const { hotpath } = await import('hotpath/express')
  const hot = hotpath({ cache: { name: 'responses' } })
  const app = configured(express()).use(hot)
  for (const [path, body] of Object.entries(bodies)) {
    const step = hot.cached({ ttlMs, isPublic: true })
    app.get(path, step, (_request, response) => void response.json(body))
  }
  return listen(createServer(app))
}

/** Without what costs time and is no part of the comparison. */
function configured(app: Express): Express {
  return app.disable('x-powered-by').disable('etag')
}

const bench: Bench = {
  title: 'a cached route on Express, against an empty one that sends the same bytes',
  settings: [
    ...settings,
    'the empty route sends a text that is ready, with the same head, by response.send',
  ],
  peers: ['express'],
  services: [],
  rounds: 7,
  processes: 'per-run',
  workloads: {
    posts: cachedRoute(`a list of ${posts.length} posts`, '/posts'),
  },
  contenders: {
    'Express, empty route': emptyExpress,
    'hotpath on Express': hotpathExpress,
    'node:http, bare': bareHttp(),
  },
  baseline: 'Express, empty route',
  claims: besides('hotpath on Express', 'Express, empty route', 1),
}

export default bench
