import { createServer } from 'node:http'
import type { Express, RequestHandler } from 'express'
import type { Bench, Contender, Subject } from '../kit/bench.ts'
import { bareHttp, bodies, cachedRoute, contentType, listen, ttlMs } from './cached-route.ts'

/** A route of Express that does nothing: it has the bytes, and sends them as Express does. */
const emptyRoute: Contender = () =>
  serveExpress((app) => {
    for (const [path, body] of Object.entries(bodies)) {
      const text = JSON.stringify(body)
      app.get(path, (_request, response) => void response.type(contentType).send(text))
    }
  })

/** The same past Express: neither an entity tag nor a look at what the client has. */
const rawEnd: Contender = () =>
  serveExpress((app) => {
    for (const [path, body] of Object.entries(bodies)) {
      const text = JSON.stringify(body)
      app.get(path, (_request, response) => {
        response.setHeader('content-type', contentType)
        response.end(text)
      })
    }
  })

const json: Contender = () =>
  serveExpress((app) => {
    for (const [path, body] of Object.entries(bodies)) {
      app.get(path, (_request, response) => void response.json(body))
    }
  })

const hotpathExpress: Contender = async () => {
  const { hotpath } = await import('hotpath/express')
  const hot = hotpath({ cache: { name: 'responses' } })
  return serveExpress((app) => {
    app.use(hot)
    for (const [path, body] of Object.entries(bodies)) {
      app.get(path, hot.cached({ ttlMs, isPublic: true }), (_request, response) => {
        response.json(body)
      })
    }
  })
}

const apicache: Contender = async () => {
  const { default: apicache } = await import('apicache')
  const middleware: RequestHandler = apicache.middleware(`${ttlMs / 1_000} seconds`)
  return serveExpress((app) => {
    for (const [path, body] of Object.entries(bodies)) {
      app.get(path, middleware, (_request, response) => void response.json(body))
    }
  })
}

async function serveExpress(build: (app: Express) => void): Promise<Subject> {
  const { default: express } = await import('express')
  const app = express()
  app.disable('x-powered-by')
  build(app)
  return listen(createServer(app))
}

const bench: Bench = {
  title: 'a cached route on Express, against an empty one that sends the same bytes',
  settings: [
    'every contender answers with the same bytes, from one process on one core',
    'the empty route has the bytes ready and does no more than response.send them',
    '32 keep-alive connections; requests/s and CPU with batches of 8 requests on each, so that the server is the limit; p50 and p99 with one',
  ],
  peers: ['express', 'apicache'],
  services: [],
  rounds: 5,
  processes: 'per-run',
  workloads: { posts: cachedRoute('a list of 20 posts', '/posts') },
  contenders: {
    'Express, empty route': emptyRoute,
    'hotpath on Express': hotpathExpress,
    'Express, response.json': json,
    'Express, raw response.end': rawEnd,
    'Express + apicache': apicache,
    'node:http, bare': bareHttp,
  },
  baseline: 'Express, empty route',
  claims: [
    {
      claim: 'hotpath on Express serves at least as many requests as an empty route, each second',
      value: (figures) =>
        figures.ratio('posts', 'hotpath on Express', 'Express, empty route', 'requestsPerSecond'),
      atLeast: 1,
    },
  ],
}

export default bench
