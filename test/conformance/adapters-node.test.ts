import { afterEach, expect, test, vi } from 'vitest'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { hotpath, type Listener } from '../../src/adapters/node/index.ts'
import { createManualClock } from '../../src/core/index.ts'
import { adapterConformance } from './adapters.ts'
import {
  broken,
  gzipThrough,
  running,
  sendRaw,
  userOf,
  type Handler,
  type RunningApp,
} from './adapters/app.ts'
import { ask } from './adapters/client.ts'
import { hit, stored } from './adapters/suite.ts'

adapterConformance('node:http', (plan) => {
  const hot = hotpath({ cache: { clock: plan.clock } })
  const users = new WeakMap<IncomingMessage, string>()

  const answerWith =
    (handler: Handler) => async (raw: IncomingMessage, response: ServerResponse) => {
      if (plan.gzip === 'behind') gzipThrough(response)
      const { method = '', headers } = raw
      const addTags = (tags: readonly string[]) => hot.addTags(response, tags)
      sendRaw(response, await handler({ method, headers, user: users.get(raw) ?? '', addTags }))
    }

  const { isByUser, tags, ...rest } = plan.cache ?? {}
  const page = hot.cached(
    {
      route: '/page',
      ...rest,
      ...(isByUser === true && { key: (request: IncomingMessage) => users.get(request) }),
      ...(tags !== undefined && { tags: () => tags }),
    },
    answerWith(plan.handler),
  )
  const write = answerWith(plan.write ?? plan.handler)

  const server = createServer(
    hot.handler(async (request, response) => {
      if (plan.gzip === 'before') gzipThrough(response)
      for (const [name, value] of Object.entries(plan.headersFor(request))) {
        response.setHeader(name, value)
      }
      if (plan.hasLogin === true) {
        const user = userOf(request.headers)
        if (user === undefined) return sendRaw(response, { status: 401, body: 'who?' })
        users.set(request, user)
      }
      const isRead = request.method === 'GET' || request.method === 'HEAD'
      try {
        await (isRead ? page : write)(request, response)
      } catch {
        if (!response.headersSent) sendRaw(response, { status: 500, body: broken })
      }
    }),
  )
  return running(server, hot)
})

let app: RunningApp | undefined
afterEach(() => app?.close())

/** A server that is nothing but one cached listener. */
async function serve(listener: Listener): Promise<number> {
  const hot = hotpath({ cache: { clock: createManualClock() } })
  app = await running(createServer(hot.cached({ route: '/page' }, listener)), hot)
  return app.port
}

test('node:http: what is written by every means that Node has is one body', async () => {
  const port = await serve((_request, response) => {
    response.writeHead(200, 'Fine', ['content-type', 'text/plain', 'x-list', '1', 'x-list', '2'])
    response.cork()
    response.write('6772', 'hex')
    response.write(new Uint8Array([0xfc]), () => response.end('\xdfe', 'latin1'))
    response.uncork()
  })
  for (const verdict of [stored, hit]) {
    const answer = await ask(port)
    expect([answer.body.toString('latin1'), answer.verdict]).toEqual(['grüße', verdict])
    expect(answer.headers).toMatchObject({ 'x-list': '1, 2', 'content-length': '5' })
  }
})

test('node:http: who has what has trailers already gets a 304 without them', async () => {
  const port = await serve((_request, response) => {
    response.writeHead(200, { etag: '"mine"', trailer: 'x-sum' })
    response.write('page')
    response.addTrailers({ 'x-sum': '4' })
    response.end()
  })
  expect(await ask(port)).toMatchObject({ text: 'page', trailers: { 'x-sum': '4' } })
  const known = await ask(port, { headers: { 'if-none-match': '"mine"' } })
  expect(known).toMatchObject({ status: 304, text: '', trailers: {} })
})

test('node:http: a listener that gives its response up keeps nobody waiting', async () => {
  const gate = Promise.withResolvers<void>()
  let runs = 0
  const port = await serve((_request, response) => {
    runs++
    if (runs > 1) response.end('page')
    else void gate.promise.then(() => response.destroy(new Error('the file is gone')))
  })
  const first = ask(port).catch(() => 'broken off')
  await vi.waitUntil(() => runs === 1)
  const second = ask(port)
  gate.resolve()
  expect(await first).toBe('broken off')
  expect((await second).text).toBe('page')
})
