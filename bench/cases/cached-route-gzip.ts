import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Bench, Contender } from '../kit/bench.ts'
import {
  besides,
  bodies,
  cachedHead,
  cachedRoute,
  contentType,
  hotpathFastify,
  hotpathNode,
  listen,
  posts,
  settings,
} from '../kit/cached-route.ts'

const bareGzip: Contender = async () => {
  const answers = new Map(
    Object.entries(bodies).map(([path, body]) => {
      const bytes = gzipSync(JSON.stringify(body))
      const head = {
        ...cachedHead,
        'content-type': contentType,
        'content-encoding': 'gzip',
        'content-length': bytes.length,
        vary: 'accept-encoding',
      }
      return [path, { bytes, head }]
    }),
  )
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? '')
    if (answer === undefined) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, answer.head)
    response.end(answer.bytes)
  })
  return listen(server)
}

const bench: Bench = {
  title:
    'a cached route whose answer is kept compressed, against a server that sends ready gzip bytes',
  settings: [
    ...settings,
    'the client accepts gzip; all contenders compress at the default level, once',
  ],
  peers: ['fastify'],
  services: [],
  rounds: 7,
  processes: 'per-run',
  workloads: {
    posts: cachedRoute(`a list of ${posts.length} posts, as gzip`, '/posts', {
      'accept-encoding': 'gzip',
    }),
  },
  contenders: {
    'node:http, gzip bytes': bareGzip,
    'hotpath on node:http': hotpathNode({ compress: true }),
    'hotpath on Fastify': hotpathFastify({ compress: true }),
  },
  baseline: 'node:http, gzip bytes',
  claims: ['hotpath on node:http', 'hotpath on Fastify'].flatMap((contender) =>
    besides(contender, 'node:http, gzip bytes', 0.9),
  ),
}

export default bench
