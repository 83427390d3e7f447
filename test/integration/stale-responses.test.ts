import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { hotpath as onExpress } from '../../src/adapters/express/index.ts'
import { hotpath as onFastify } from '../../src/adapters/fastify/index.ts'
import { hotpath as onHono } from '../../src/adapters/hono/index.ts'
import { hotpath as onNode } from '../../src/adapters/node/index.ts'
import { createManualClock, type Clock } from '../../src/core/index.ts'

const cache = { ttlMs: 60_000, staleIfErrorMs: 300_000 }

/** Opens a server with one cached route, `/page`. */
type Open = (clock: Clock, handler: () => string) => Promise<{ url: string; close(): unknown }>

/** Each framework with a handler that throws, and what it makes of that. */
const servers: Record<string, Open> = {
  async fastify(clock, handler) {
    const app = fastify()
    await app.register(onFastify, { cache: { clock } })
    app.get('/page', { config: { hotpath: { cache } } }, async (_request, reply) => {
      reply.type('text/plain')
      return handler()
    })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    return { url, close: () => app.close() }
  },
  async express(clock, handler) {
    const app = express()
    const hot = onExpress({ cache: { clock } })
    app.get('/page', hot.cached(cache), async (_request, response) => {
      response.type('text/plain').send(handler())
    })
    // Express prints what it was not told to handle.
    app.use(((_error, _request, response, _next) => {
      response.status(500).json({ error: 'broken' })
    }) satisfies express.ErrorRequestHandler)
    return listen(createServer(app), () => hot.close())
  },
  async hono(clock, handler) {
    const app = new Hono()
    const hot = onHono({ cache: { clock } })
    app.get('/page', hot.cached(cache), (context) => context.text(handler()))
    app.onError((_error, context) => context.json({ error: 'broken' }, 500))
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server
    return listen(server, () => hot.close())
  },
  async 'node:http'(clock, handler) {
    const hot = onNode({ cache: { clock } })
    const server = createServer(
      hot.cached({ route: '/page', ...cache }, (_request, response) => {
        try {
          response.setHeader('content-type', 'text/plain')
          response.end(handler())
        } catch {
          response.statusCode = 500
          response.setHeader('content-type', 'application/json')
          response.end('{"error":"broken"}')
        }
      }),
    )
    return listen(server, () => hot.close())
  },
}

async function listen(server: Server, end: () => unknown) {
  if (!server.listening) {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  }
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await end()
  }
  return { url: `http://127.0.0.1:${port}`, close }
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

describe.each(Object.entries(servers))('on %s', (_name, open) => {
  test('a handler that fails is answered for by what is stored', async () => {
    const clock = createManualClock()
    let isBroken = false
    const { url, close } = await open(clock, () => {
      if (isBroken) throw new Error('the database is away')
      return 'a page'
    })
    closers.push(close)
    const page = `${url}/page`
    const first = await fetch(page)
    expect(await first.text()).toBe('a page')

    isBroken = true
    clock.advance(60_000)
    const stale = await fetch(page)
    expect(stale.status).toBe(200)
    expect(await stale.text()).toBe('a page')
    expect(stale.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(stale.headers.get('etag')).toBe(first.headers.get('etag'))
    expect(stale.headers.get('content-length')).toBe('6')
    expect(stale.headers.get('cache-status')).toBe(
      'hotpath; fwd=stale; fwd-status=500; detail=stale-if-error',
    )

    clock.advance(300_000)
    const failed = await fetch(page)
    expect(failed.status).toBe(500)
    expect(failed.headers.get('cache-status')).toContain('detail=')
    await failed.arrayBuffer()
  })

  test('and once the handler is back, so is what it makes', async () => {
    const clock = createManualClock()
    let run = 0
    const { url, close } = await open(clock, () => {
      run++
      if (run === 2) throw new Error('the database is away')
      return `run ${run}`
    })
    closers.push(close)
    const bodies: string[] = []
    for (const waitMs of [60_000, 10_000, 0, 0]) {
      bodies.push(await (await fetch(`${url}/page`)).text())
      clock.advance(waitMs)
    }
    expect(bodies).toEqual(['run 1', 'run 1', 'run 3', 'run 3'])
  })
})
