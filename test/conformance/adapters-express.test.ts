import express from 'express'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { hotpath } from '../../src/adapters/express/index.ts'
import { adapterConformance } from './adapters.ts'
import {
  broken,
  gzipThrough,
  running,
  sendRaw,
  userOf,
  type Answer,
  type Handler,
} from './adapters/app.ts'
import { ask } from './adapters/client.ts'
import { hit, stored } from './adapters/suite.ts'

adapterConformance('express', (plan) => {
  const app = express()
  const hot = hotpath({ cache: { clock: plan.clock } })
  const userIn = ({ locals }: express.Response) => String(locals['user'] ?? '')

  app.use(hot, (request, response, next) => {
    if (plan.gzip === 'before') gzipThrough(response)
    response.set(plan.headersFor(request))
    if (plan.hasLogin === true) {
      const user = userOf(request.headers)
      if (user === undefined) return void response.status(401).send('who?')
      response.locals['user'] = user
    }
    next()
  })

  const answerWith =
    (handler: Handler): express.RequestHandler =>
    async ({ method, headers }, response) => {
      if (plan.gzip === 'behind') gzipThrough(response)
      const addTags = (tags: readonly string[]) => hot.addTags(response, tags)
      send(response, await handler({ method, headers, user: userIn(response), addTags }))
    }

  const { isByUser, tags, ...rest } = plan.cache ?? {}
  const step = hot.cached({
    ...rest,
    ...(isByUser === true && { key: ({ res }) => (res === undefined ? undefined : userIn(res)) }),
    ...(tags !== undefined && { tags: () => tags }),
  })
  app.get('/page', step, answerWith(plan.handler))
  app.all('/page', answerWith(plan.write ?? plan.handler))

  // Express prints what it was not told to handle.
  app.use(((_error, _request, response, _next) => {
    if (!response.headersSent) response.status(500).type('text').send(broken)
  }) satisfies express.ErrorRequestHandler)
  return running(createServer(app), hot)
})

function send(response: express.Response, answer: Answer): void {
  const { status = 200, headers, body } = answer
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    response.status(status).set(headers).send(body)
  } else {
    sendRaw(response, answer)
  }
}

test('express: files go past the cache, with 304 and ranges as Express makes them', async () => {
  const app = express()
  const hot = hotpath()
  const file = fileURLToPath(new URL('../../LICENSE', import.meta.url))
  app.get('/page', hot.cached(), (_request, response) => response.sendFile(file))
  const { port, close } = await running(createServer(app), hot)
  const whole = await ask(port)
  expect([whole.status, whole.verdict]).toEqual([200, 'hotpath; fwd=uri-miss; detail=stream'])
  const etag = String(whole.headers['etag'])
  const known = await ask(port, { headers: { 'if-none-match': etag } })
  expect([known.status, known.body.length]).toEqual([304, 0])
  const part = await ask(port, { headers: { range: 'bytes=0-2' } })
  expect([part.status, part.text, part.verdict]).toEqual([
    206,
    whole.text.slice(0, 3),
    'hotpath; fwd=uri-miss; detail=status-206',
  ])
  await close()
})

test('express: a step in a router that is mounted twice knows the whole path', async () => {
  const app = express()
  const hot = hotpath()
  const router = express.Router()
  router.get('/page', hot.cached(), (request, response) => void response.send(request.baseUrl))
  app.use('/a', router).use('/b', router)
  const { port, close } = await running(createServer(app), hot)
  for (const verdict of [stored, hit]) {
    for (const base of ['/a', '/b']) {
      expect(await ask(port, { path: `${base}/page` })).toMatchObject({ text: base, verdict })
    }
  }
  await close()
})
