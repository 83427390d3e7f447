import express from 'express'
import { createServer } from 'node:http'
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
