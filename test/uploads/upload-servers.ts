import { createServer } from 'node:http'
import type { Readable } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { HotpathError } from '../../src/index.ts'
import type { UploadStore } from '../../src/tasks/index.ts'
import { listening, type ListeningServer } from '../conformance/listening.ts'

const statuses: Readonly<Record<string, 413 | 503 | 507>> = {
  HOTPATH_TASKS_UPLOAD_TOO_LARGE: 413,
  HOTPATH_TASKS_UPLOAD_DISK_FULL: 507,
  HOTPATH_TASKS_UPLOAD_TIMEOUT: 503,
}

interface Answer {
  readonly status: 202 | 413 | 500 | 503 | 507
  readonly headers: Record<string, string>
  readonly body: string
}

/** A server whose every request is an upload: 202 with the reference, or the code of the error. */
export const uploadServers: Readonly<
  Record<string, (uploads: UploadStore) => Promise<ListeningServer>>
> = {
  node: (uploads) =>
    listening(
      createServer((request, response) => {
        void receive(uploads, request).then(({ status, headers, body }) =>
          response.writeHead(status, headers).end(body),
        )
      }),
      async () => {},
    ),

  async fastify(uploads) {
    const app = fastify()
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    app.post('/', async (request, reply) => {
      const { status, headers, body } = await receive(uploads, request.body as Readable)
      return reply.code(status).headers(headers).send(body)
    })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    return {
      url,
      async close() {
        app.server.closeAllConnections()
        await app.close()
      },
    }
  },

  express(uploads) {
    const app = express()
    app.post('/', async (request, response) => {
      const { status, headers, body } = await receive(uploads, request)
      response.status(status).set(headers).end(body)
    })
    return listening(createServer(app), async () => {})
  },

  hono(uploads) {
    const app = new Hono()
    app.post('/', async (context) => {
      const bytes = context.req.raw.body as unknown as AsyncIterable<Uint8Array>
      const { status, headers, body } = await receive(uploads, bytes)
      return context.body(body, status, headers)
    })
    const listener = getRequestListener(app.fetch)
    return listening(
      createServer((request, response) => void listener(request, response)),
      async () => {},
    )
  },
}

async function receive(uploads: UploadStore, source: AsyncIterable<Uint8Array>): Promise<Answer> {
  try {
    return { status: 202, headers: {}, body: JSON.stringify(await uploads.receive(source)) }
  } catch (error) {
    const code = error instanceof HotpathError ? error.code : 'none'
    return { status: statuses[code] ?? 500, headers: { connection: 'close' }, body: code }
  }
}
