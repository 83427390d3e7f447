import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Bench, Contender } from '../kit/bench.ts'
import { bodies, cachedRoute, contentType, listen, serveFastify, ttlMs } from './cached-route.ts'

const compress = { encodings: ['gzip'] } as const

/** Sends bytes that were compressed before it started. */
const bareGzip: Contender = async () => {
  const answers = new Map(
    Object.entries(bodies).map(([path, body]) => [path, gzipSync(JSON.stringify(body))]),
  )
  return listen(
    createServer((request, response) => {
      const bytes = answers.get(request.url ?? '')
      if (bytes === undefined) {
        response.writeHead(404).end()
        return
      }
      response.writeHead(200, {
        'content-type': contentType,
        'content-encoding': 'gzip',
        'content-length': bytes.length,
        vary: 'Accept-Encoding',
      })
      response.end(bytes)
    }),
  )
}

const hotpathFastify: Contender = async () => {
  const { hotpath } = await import('hotpath/fastify')
  return serveFastify(async (app) => {
    await app.register(hotpath, { cache: { name: 'responses', compress } })
    for (const [path, body] of Object.entries(bodies)) {
      app.get(path, { config: { hotpath: { cache: { ttlMs, isPublic: true } } } }, () => body)
    }
  })
}

const hotpathNode: Contender = async () => {
  const { hotpath } = await import('hotpath/node')
  const hot = hotpath({ cache: { name: 'responses', compress } })
  const route = '/posts'
  return listen(
    createServer(
      hot.cached({ route, ttlMs, isPublic: true }, (_request, response) => {
        response.setHeader('content-type', contentType)
        response.end(JSON.stringify(bodies[route]))
      }),
    ),
  )
}

const bench: Bench = {
  title: 'a stored gzip variant, against a server that sends ready gzip bytes',
  settings: [
    'every request says accept-encoding: gzip, br; every answer is gzip, compressed once',
    '32 keep-alive connections; requests/s and CPU with batches of 8 requests on each, so that the server is the limit; p50 and p99 with one',
  ],
  peers: ['fastify'],
  services: [],
  rounds: 5,
  processes: 'per-run',
  workloads: {
    posts: {
      ...cachedRoute('a list of 20 posts, compressed', '/posts'),
      headers: { 'accept-encoding': 'gzip, br' },
    },
  },
  contenders: {
    'node:http, ready gzip': bareGzip,
    'hotpath on Fastify': hotpathFastify,
    'hotpath on node:http': hotpathNode,
  },
  baseline: 'node:http, ready gzip',
  claims: [
    {
      claim: 'hotpath on Fastify serves at least 0.90× the requests of a server with ready bytes',
      value: (figures) =>
        figures.ratio('posts', 'hotpath on Fastify', 'node:http, ready gzip', 'requestsPerSecond'),
      atLeast: 0.9,
    },
  ],
}

export default bench
