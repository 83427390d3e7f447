import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { hotpath } from '../../src/adapters/node/index.ts'
import { adapterConformance } from './adapters.ts'
import { broken, gzipThrough, running, sendRaw, userOf, type Handler } from './adapters/app.ts'

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
