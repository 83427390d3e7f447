import express from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { createServer, request as open, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { hotpath as expressHotpath } from '../../src/adapters/express/index.ts'
import { hotpath as fastifyHotpath } from '../../src/adapters/fastify/index.ts'
import { hotpath as nodeHotpath } from '../../src/adapters/node/index.ts'
import { components } from '../../src/core/index.ts'
import { compressServers, type Answer } from './compress-servers.ts'

const json = 'application/json; charset=utf-8'
const rows = JSON.stringify(
  Array.from({ length: 150 }, (_, id) => ({ id, name: `user ${(id * 7_919) % 1_000}` })),
)
/** So large that a thread compresses it. */
const large = JSON.stringify(Array.from({ length: 300 }, () => rows))

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

type Handler = (response: ServerResponse) => void

const servers: Readonly<Record<string, (handler: Handler) => Promise<string>>> = {
  express(handler) {
    const app = express()
    app.use(expressHotpath({ cache: false, compress: true }))
    app.get('/', (_request, response) => handler(response))
    return listen(app)
  },
  'node:http'(handler) {
    const hot = nodeHotpath({ cache: false, compress: true })
    return listen(hot.handler((_request, response) => handler(response)))
  },
}

describe.each(Object.keys(servers))('a handler on %s', (framework) => {
  const serve = (handler: Handler) => servers[framework]?.(handler) ?? ''

  describe.each([
    ['on the spot', rows],
    ['on a thread', large],
  ])('whose answer is compressed %s', (_, body) => {
    test('may add trailers', async () => {
      const url = await serve((response) => {
        response.setHeader('content-type', json)
        response.setHeader('trailer', 'x-sum')
        response.addTrailers({ 'x-sum': '42' })
        response.end(body)
      })
      const got = await receive(url)
      expect(got.headers['content-encoding']).toBe('gzip')
      expect(got.headers['content-length']).toBeUndefined()
      expect(got.trailers).toEqual({ 'x-sum': '42' })
      expect(got.text).toBe(body)
    })

    test('sees that it has answered', async () => {
      const seen: unknown[] = []
      const url = await serve((response) => {
        response.setHeader('content-type', json)
        response.end(body, () => seen.push('sent'))
        seen.push(response.headersSent, response.writableEnded)
      })
      expect((await receive(url)).text).toBe(body)
      expect(seen).toEqual([true, true, 'sent'])
    })

    test.each<[string, Handler]>([
      ['another head', (response) => response.writeHead(500, { 'content-type': 'text/plain' })],
      ['another status', (response) => void (response.statusCode = 500)],
      ['a length', (response) => response.setHeader('content-length', 4)],
      ['another name', (response) => response.setHeader('x-late', 'yes')],
      ['a cookie', (response) => response.appendHeader('set-cookie', 'late=1')],
      ['no type', (response) => response.removeHeader('content-type')],
      ['its head at once', (response) => response.flushHeaders()],
      ['a second body', (response) => response.end('oops')],
      ['a piece more', (response) => response.write('oops')],
    ])('cannot give it %s any more', async (_what, late) => {
      const url = await serve((response) => {
        // What Node says to it is thrown, or is an event.
        response.on('error', () => {})
        response.writeHead(200, { 'content-type': json, 'set-cookie': ['a=1', 'b=2'] })
        response.end(body)
        try {
          late(response)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_HTTP_HEADERS_SENT' })
        }
      })
      const { status, headers, text } = await receive(url)
      expect({ status, ...headers }).toMatchObject({
        status: 200,
        'content-type': json,
        'content-encoding': 'gzip',
        'set-cookie': ['a=1', 'b=2'],
      })
      expect(headers).not.toHaveProperty('x-late')
      expect(text).toBe(body)
    })
  })
})

describe('on Fastify', () => {
  const stream = () => Readable.toWeb(Readable.from([rows, rows], { objectMode: false }))

  test.each<[string, string, (app: FastifyInstance) => void]>([
    [
      'a stream of the web',
      rows + rows,
      (app) => app.get('/', (_request, reply) => reply.type(json).send(stream())),
    ],
    [
      'a Response',
      rows,
      (app) => app.get('/', () => new Response(rows, { headers: { 'content-type': json } })),
    ],
    [
      'an array of bytes',
      rows,
      (app) =>
        app.get('/', (_request, reply) =>
          reply.type(json).send(Uint8Array.from(Buffer.from(rows))),
        ),
    ],
  ])('%s is compressed', async (_, text, route) => {
    const app = fastify()
    await app.register(fastifyHotpath, { cache: false, compress: true })
    route(app)
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    opened.push(() => app.close())
    const got = await receive(url)
    expect(got.headers['content-encoding']).toBe('gzip')
    expect(got.headers['vary']).toBe('Accept-Encoding')
    expect(got.text).toBe(text)
  })

  test('what a Response says is said', async () => {
    const app = fastify()
    await app.register(fastifyHotpath, { cache: false, compress: true })
    const headers = { 'content-type': json, etag: '"abc"' }
    app.get('/', (_request, reply) => {
      const response = new Response(rows, { status: 201, headers })
      response.headers.append('set-cookie', 'b=2')
      return reply.header('set-cookie', 'a=1').send(response)
    })
    app.get('/empty', () => new Response(null, { status: 204 }))
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    opened.push(() => app.close())
    const got = await receive(url)
    expect({ status: got.status, ...got.headers }).toMatchObject({
      status: 201,
      etag: 'W/"abc"',
      'set-cookie': ['a=1', 'b=2'],
    })
    expect((await receive(`${url}/empty`)).status).toBe(204)
  })

  test('a client that goes ends a stream of the web', async () => {
    let isOver = false
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(50_000, String(Math.random()))
      } finally {
        isOver = true
      }
    }
    const app = fastify()
    await app.register(fastifyHotpath, { cache: false, compress: true })
    app.get('/', (_request, reply) => reply.type(json).send(ReadableStream.from(endless())))
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    opened.push(() => app.close())
    const response = await new Promise<IncomingMessage>((resolve) => {
      open(url, { headers: { 'accept-encoding': 'gzip' } }, resolve).end()
    })
    response.once('data', () => response.destroy())
    await vi.waitUntil(() => isOver)
  })
})

describe.each(Object.keys(compressServers))('with a cache, on %s', (framework) => {
  const start = async (compress: Parameters<(typeof compressServers)[string]>[1]) => {
    const answerOf = (): Answer => ({ headers: { 'content-type': json }, body: rows })
    const server = await compressServers[framework]?.(answerOf, compress, 60_000)
    if (server === undefined) throw new Error(framework)
    opened.push(() => server.close())
    const url = `${server.url}/cached`
    // The first fills it.
    await receive(url, 'identity')
    await vi.waitUntil(async () => {
      const { headers } = await receive(url, 'identity')
      return headers['cache-status'] === 'hotpath; hit'
    })
    return url
  }

  test('a hit is sent in a form in which it is kept, and nothing is compressed for it', async () => {
    const url = await start(true)
    const before = compressorStats()
    const plain = await receive(url, 'zstd')
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.headers['etag']).toMatch(/^"/)
    expect(plain.text).toBe(rows)
    expect((await receive(url, 'zstd, gzip;q=0.5')).headers['content-encoding']).toBe('gzip')
    expect(compressorStats()).toEqual(before)
  })

  test('the cache makes the codings that the compressor offers', async () => {
    const url = await start({ encodings: ['gzip'], minimumBytes: 10 })
    expect((await receive(url, 'br, gzip')).headers['content-encoding']).toBe('gzip')
    expect((await receive(url, 'br')).headers['content-encoding']).toBeUndefined()
    const zstd = await start({ encodings: ['zstd'] })
    expect((await receive(zstd, 'zstd, gzip')).headers['content-encoding']).toBe('zstd')
    const large = await start({ minimumBytes: rows.length + 1 })
    expect((await receive(large, 'gzip')).headers['content-encoding']).toBeUndefined()
  })
})

function compressorStats(): unknown {
  return components()
    .findLast(({ kind }) => kind === 'compressor')
    ?.stats()
}

async function listen(
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const server = createServer((request, response) => void listener(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  opened.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Received {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly trailers: IncomingMessage['trailers']
  readonly text: string
}

async function receive(url: string, accept = 'gzip'): Promise<Received> {
  const headers = { 'accept-encoding': accept }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    open(url, { headers }, resolve).on('error', reject).end()
  })
  const bytes = Buffer.concat(await response.toArray())
  const decode = decoders[response.headers['content-encoding'] ?? '']
  const text = bytes.length === 0 || decode === undefined ? bytes : decode(bytes)
  const { statusCode: status, trailers } = response
  return { status, headers: response.headers, trailers, text: text.toString() }
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}
