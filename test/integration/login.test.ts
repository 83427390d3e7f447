import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono, type Context } from 'hono'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hotpath as onExpress } from '../../src/adapters/express/index.ts'
import { hotpath as onFastify } from '../../src/adapters/fastify/index.ts'
import { hotpath as onHono } from '../../src/adapters/hono/index.ts'
import { hotpath as onNode } from '../../src/adapters/node/index.ts'

// An application with a login: `/mine` is kept for each user, `/shared` for nobody who says who he
// is, `/open` for everybody. Every answer names whom it was made for and the request it belongs to.

const users: Readonly<Record<string, string>> = { 'Bearer a': 'ada', 'Bearer b': 'bob' }
let made = 0
let requests = 0

interface Made {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

function make(path: string, user: string): Made {
  made++
  return { body: `${path} for ${user}`, headers: { 'content-type': 'text/plain' } }
}

/** What belongs to one exchange: set before the handler, by the login. */
function own(user: string): Readonly<Record<string, string>> {
  requests++
  return {
    'x-request-id': String(requests),
    'ratelimit-remaining': String(100 - requests),
    'server-timing': `login;dur=${requests}`,
    'access-control-allow-origin': `https://${user}.example`,
  }
}

type Opened = { readonly url: string; readonly close: () => Promise<unknown> }

const servers: Readonly<Record<string, () => Promise<Opened>>> = {
  async fastify() {
    const app = fastify()
    await app.register(onFastify, { cache: {} })
    app.decorateRequest('user', '')
    const userOf = (request: object) => (request as { user: string }).user
    app.addHook('preValidation', async (request, reply) => {
      const user = users[request.headers.authorization ?? '']
      if (user === undefined && request.url !== '/open') return reply.code(401).send('who?')
      Object.assign(request, { user: user ?? 'anybody' })
      reply.headers(own(userOf(request)))
      return undefined
    })
    const routes = {
      '/mine': { key: (request: object) => `user:${userOf(request)}` },
      '/shared': {},
      '/open': { isPublic: true },
    }
    for (const [path, cache] of Object.entries(routes)) {
      app.get(path, { config: { hotpath: { cache } } }, async (request, reply) => {
        const { body, headers } = make(path, userOf(request))
        reply.headers(headers)
        return body
      })
    }
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    return { url, close: () => app.close() }
  },

  async express() {
    const app = express()
    const hot = onExpress()
    const userOf = (response: express.Response) => String(response.locals['user'])
    const login: express.RequestHandler = (request, response, next) => {
      const user = users[request.headers.authorization ?? '']
      if (user === undefined && request.path !== '/open') {
        response.status(401).send('who?')
        return
      }
      response.locals['user'] = user ?? 'anybody'
      response.set(own(userOf(response)))
      next()
    }
    app.use(hot, login)
    const viewer = (request: express.Request) =>
      request.res === undefined ? undefined : `user:${userOf(request.res)}`
    const routes = {
      '/mine': { key: viewer },
      '/shared': {},
      '/open': { isPublic: true },
    }
    for (const [path, cache] of Object.entries(routes)) {
      app.get(path, hot.cached(cache), (_request, response) => {
        const { body, headers } = make(path, userOf(response))
        response.set(headers).send(body)
      })
    }
    return listen(createServer(app), () => hot.close())
  },

  async hono() {
    const app = new Hono<{ Variables: { user: string } }>()
    const hot = onHono()
    app.use(hot)
    app.use(async (context, next) => {
      const user = users[context.req.header('authorization') ?? '']
      if (user === undefined && context.req.path !== '/open') return context.text('who?', 401)
      context.set('user', user ?? 'anybody')
      for (const [name, value] of Object.entries(own(context.get('user')))) {
        context.header(name, value)
      }
      return next()
    })
    const routes = {
      '/mine': {
        key: (context: Context) => `user:${String(context.get('user'))}`,
      },
      '/shared': {},
      '/open': { isPublic: true },
    }
    for (const [path, cache] of Object.entries(routes)) {
      app.get(path, hot.cached(cache), (context) => {
        const { body, headers } = make(path, context.get('user'))
        return context.body(body, 200, headers)
      })
    }
    return listen(serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server, () =>
      hot.close(),
    )
  },

  async 'node:http'() {
    const hot = onNode()
    const known = new WeakMap<object, string>()
    const userOf = (request: object) => known.get(request) ?? ''
    const options: Readonly<Record<string, object>> = {
      '/mine': { key: (request: object) => `user:${userOf(request)}` },
      '/shared': {},
      '/open': { isPublic: true },
    }
    const routes = new Map(
      Object.entries(options).map(([route, cache]) => [
        route,
        hot.cached({ route, ...cache }, (request, response) => {
          const { body, headers } = make(route, userOf(request))
          response.writeHead(200, headers)
          response.end(body)
        }),
      ]),
    )
    const server = createServer(
      hot.handler((request, response) => {
        const { url = '' } = request
        const user = users[request.headers.authorization ?? '']
        if (user === undefined && url !== '/open') {
          response.statusCode = 401
          return response.end('who?')
        }
        known.set(request, user ?? 'anybody')
        for (const [name, value] of Object.entries(own(userOf(request)))) {
          response.setHeader(name, value)
        }
        return routes.get(url)?.(request, response)
      }),
    )
    return listen(server, () => hot.close())
  },
}

async function listen(server: Server, end: () => Promise<unknown>): Promise<Opened> {
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

describe.each(Object.entries(servers))('on %s', (_name, open) => {
  let opened: Opened
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened.close())
  beforeEach(() => {
    made = 0
    requests = 0
  })

  async function get(path: string, authorization?: string) {
    const response = await fetch(`${opened.url}${path}`, {
      headers: authorization === undefined ? {} : { authorization },
    })
    const { status, headers } = response
    return { status, headers, body: await response.text() }
  }

  test('nobody gets what is stored without a login', async () => {
    expect(await get('/mine', 'Bearer a')).toMatchObject({ status: 200, body: '/mine for ada' })
    const again = await get('/mine', 'Bearer a')
    expect(again.headers.get('cache-status')).toContain('hotpath; hit')
    expect(await get('/mine')).toMatchObject({ status: 401, body: 'who?' })
    expect(await get('/mine', 'Bearer forged')).toMatchObject({ status: 401 })
  })

  test('nobody gets what is stored for somebody else', async () => {
    for (const round of [1, 2]) {
      expect(await get('/mine', 'Bearer a'), `round ${round}`).toMatchObject({
        body: '/mine for ada',
      })
      expect(await get('/mine', 'Bearer b'), `round ${round}`).toMatchObject({
        body: '/mine for bob',
      })
    }
    expect(made).toBeLessThan(3)
  })

  test('who says who he is goes past a route that does not say who may see what', async () => {
    expect(await get('/shared', 'Bearer a')).toMatchObject({ body: '/shared for ada' })
    const other = await get('/shared', 'Bearer b')
    expect(other.body).toBe('/shared for bob')
    expect(other.headers.get('cache-status')).toBe('hotpath; fwd=bypass')
  })

  test('what is for everybody is answered to everybody', async () => {
    await get('/open')
    made = 0
    const known = await get('/open', 'Bearer a')
    expect(known.headers.get('cache-status')).toContain('hotpath; hit')
    expect(known.body).toBe('/open for anybody')
    expect(made).toBe(0)
  })

  test('what belongs to one request is of that request, on a hit as well', async () => {
    await get('/mine', 'Bearer a')
    await get('/mine', 'Bearer a')
    const { headers } = await get('/mine', 'Bearer a')
    expect(headers.get('cache-status')).toContain('hotpath; hit')
    expect(headers.get('x-request-id')).toBe(String(requests))
    expect(headers.get('ratelimit-remaining')).toBe(String(100 - requests))
    expect(headers.get('server-timing')).toBe(`login;dur=${requests}`)
    expect(headers.get('access-control-allow-origin')).toBe('https://ada.example')
  })
})
