import type { FastifyInstance, FastifyReply, onSendHookHandler } from 'fastify'
import { pipeline, Readable } from 'node:stream'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { compressNode, weakened, type CompressStep } from '../../http/index.ts'

/**
 * Compresses what routes answer, in an `onSend` hook of theirs: behind those of the app and behind the
 * cache, which keeps the bytes as they were. What the not-found handler answers belongs to no route and
 * passes no such hook: it is compressed where Fastify writes it.
 */
export function compressRoutes(app: FastifyInstance, step: CompressStep): void {
  const hook = hookOf(step)
  app.addHook('onRoute', (routeOptions) => {
    if (routeOptions.config?.hotpath?.compress === false) return
    routeOptions.onSend = [routeOptions.onSend ?? [], hook].flat()
  })
  app.addHook('onRequest', (request, reply, next) => {
    if (request.is404) compressNode(step, request.raw, reply.raw)
    next()
  })
  app.addHook('onClose', () => step.close())
}

// Of replies whose stream is being compressed.
const streaming = new WeakSet<FastifyReply>()

function hookOf(step: CompressStep): onSendHookHandler<unknown> {
  return (request, reply, given, done) => {
    // The stream has failed before anything of it was sent, and this is what is sent instead.
    if (streaming.delete(reply)) reply.removeHeader('content-encoding')
    const payload = given instanceof Response ? unwrapped(given, reply) : given
    const isStream = payload instanceof Readable || payload instanceof ReadableStream
    const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload)
    const isHead = request.method === 'HEAD'
    if (!isStream && !isWhole && !isHead) return done(null, payload)
    const { coding, vary } = step.plan(
      {
        method: request.method,
        status: reply.statusCode,
        headers: reply.getHeaders(),
        byteLength: isWhole ? step.lengthOf(payload) : givenLength(reply),
      },
      request.headers,
    )
    if (vary !== undefined) reply.header('vary', vary)
    if (coding === undefined) return done(null, payload)
    if (isHead) {
      // As a GET would be sent, but for the length, which nobody has found out.
      setCoding(reply, coding)
      if (isStream) asReadable(payload).destroy()
      return done(null, null)
    }
    if (isStream) {
      setCoding(reply, coding)
      streaming.add(reply)
      const encoder = step.compressor.createStream(coding)
      // Whichever ends first ends the other. A failure reaches Fastify, which is reading.
      pipeline(asReadable(payload), encoder, () => {})
      return done(null, encoder)
    }
    const body = payload as string | Buffer
    const send = (encoded: Buffer | undefined) => {
      if (encoded !== undefined) setCoding(reply, coding)
      done(null, encoded ?? body)
    }
    const aborted = new AbortController()
    const encoded = step.compressor.encode(body, coding, aborted.signal)
    if (!(encoded instanceof Promise)) return send(encoded)
    reply.raw.once('close', () => aborted.abort())
    // What cannot be compressed is sent as it is.
    encoded.then(send, () => send(undefined))
    return undefined
  }
}

// As Fastify itself would do after the hooks. One that was read already it refuses.
function unwrapped(response: Response, reply: FastifyReply): Response | ReadableStream | null {
  if (response.bodyUsed) return response
  reply.code(response.status)
  for (const [name, value] of response.headers) reply.header(name, value)
  return response.body
}

// The body of a `Response` is a stream of the web.
function asReadable(payload: Readable | ReadableStream): Readable {
  return payload instanceof Readable ? payload : Readable.fromWeb(payload as NodeReadableStream)
}

function setCoding(reply: FastifyReply, coding: string): void {
  reply.header('content-encoding', coding)
  reply.removeHeader('content-length')
  reply.removeHeader('accept-ranges')
  const etag = weakened(reply.getHeader('etag'))
  if (etag !== undefined) reply.header('etag', etag)
}

function givenLength(reply: FastifyReply): number | undefined {
  const given = reply.getHeader('content-length')
  return given === undefined ? undefined : Number(given)
}
