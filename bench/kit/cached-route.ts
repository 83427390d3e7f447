import { createServer, type Server } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { ClaimRule, Contender, HttpWorkload, Subject } from './bench.ts'

// What the benches named cached-route have in common: the answers, the servers, the load.

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
export const posts = Array.from({ length: 20 }, (_, index): Post => ({
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

export const schema = {
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

/**
 * What a response from a cache says beside its own fields: `Age` (RFC 9111, 5.1), `Cache-Status`
 * (RFC 9211), and an entity tag to ask with again. The servers that do nothing but send the same
 * bytes send these too.
 */
export const cachedHead: Readonly<Record<string, string>> = {
  age: '0',
  'cache-status': 'hotpath; hit',
  etag: '"kxaVFKFFrhEUOP0Lg9EAEdxCMW2"',
}

/** `bare` with the head of a cached response, or with what Node needs for the body and no more. */
export const bareHttp =
  (head: Readonly<Record<string, string>> = cachedHead): Contender =>
  async () => {
    // Strings, not Buffers: Node sends a string together with the headers, in one write.
    const answers = new Map(
      Object.entries(bodies).map(([path, body]) => {
        const text = JSON.stringify(body)
        const byteLength = Buffer.byteLength(text)
        return [
          path,
          { text, head: { ...head, 'content-type': contentType, 'content-length': byteLength } },
        ]
      }),
    )
    const server = createServer((request, response) => {
      const answer = answers.get(request.url ?? '')
      if (answer === undefined) {
        response.writeHead(404).end()
        return
      }
      response.writeHead(200, answer.head)
      response.end(answer.text)
    })
    return listen(server)
  }

/** What the caches of hotpath are opened with, where it is not the default. */
interface HotpathSettings {
  readonly compress?: boolean
}

export const hotpathFastify =
  ({ compress = false }: HotpathSettings = {}): Contender =>
  async () => {
    const { hotpath } = await import('hotpath/fastify')
    return serveFastify(async (app) => {
      await app.register(hotpath, { cache: { name: 'responses', compress } })
      for (const [path, body] of Object.entries(bodies)) {
        const config = { hotpath: { cache: { ttlMs, isPublic: true } } }
        app.get(path, { schema, config }, () => body)
      }
    })
  }

export const hotpathNode =
  ({ compress = false }: HotpathSettings = {}): Contender =>
  async () => {
    const { hotpath } = await import('hotpath/node')
    const hot = hotpath({ cache: { name: 'responses', compress } })
    const routes = new Map(
      Object.entries(bodies).map(([path, body]) => [
        path,
        hot.cached({ route: path, ttlMs, isPublic: true }, (_request, response) => {
          response.writeHead(200, { 'content-type': contentType }).end(JSON.stringify(body))
        }),
      ]),
    )
    return listen(
      createServer((request, response) => {
        const route = routes.get(request.url ?? '')
        if (route === undefined) response.writeHead(404).end()
        else route(request, response)
      }),
    )
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

/** What is equal in all of these benches. */
export const settings: readonly string[] = [
  'every contender answers with the same bytes, from one process on one core',
  '32 keep-alive connections; requests/s and CPU with batches of 8 requests on each, so that the server is the limit; p50 and p99 with one',
  `caches: room for 1,000 entries, a TTL of ${ttlMs / 1_000} s, all requests hits`,
]

/** One of the routes under load. */
export function cachedRoute(
  about: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): HttpWorkload {
  return {
    kind: 'http',
    about,
    path,
    headers,
    connections: 32,
    pipelining: 8,
    warmupMs: 150,
    sliceMs: 400,
    latencySliceMs: 250,
  }
}

/** The claims that a contender is at least so fast as another, by the clock and by its CPU time. */
export function besides(contender: string, other: string, atLeast: number): ClaimRule[] {
  const bar = atLeast.toFixed(2)
  return [
    {
      claim: `${contender} serves at least ${bar}× the requests of ${other}, each second`,
      value: (figures) => figures.ratio('posts', contender, other, 'requestsPerSecond'),
      atLeast,
    },
    {
      claim: `${contender} uses at most 1/${bar} of the CPU time of ${other} for each request`,
      value: (figures) => figures.ratio('posts', contender, other, 'cpuMicrosPerRequest'),
      atMost: 1 / atLeast,
    },
  ]
}
