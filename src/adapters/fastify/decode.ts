import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { bodyAnswer, describeDecoded, RequestBodyError, type DecodeStep } from '../../http/index.ts'

/** Decodes what the parsers of Fastify read. */
export function decodeBodies(app: FastifyInstance, step: DecodeStep): void {
  const refused = new WeakMap<FastifyRequest, RequestBodyError>()
  app.addHook('preParsing', (request, reply, payload, next) => {
    const plan = step.plan(request.headers)
    if (plan === undefined) return next(null, payload)
    if (plan.refusal !== undefined) {
      void send(reply, plan.refusal).send(Buffer.from(plan.refusal.body ?? ''))
      return undefined
    }
    const { decoder } = plan
    payload.on('error', (error: Error) => decoder.destroy(error)).pipe(decoder)
    decoder.on('error', (error) => {
      if (error instanceof RequestBodyError) refused.set(request, error)
      // The rest of it is in the way of the next request.
      payload.resume()
    })
    reply.raw.once('close', () => {
      decoder.destroy(decoder.readableEnded ? undefined : new Error('the request was aborted'))
    })
    describeDecoded(request.headers)
    return next(null, decoder)
  })
  // The app's error handler has heard of it; what the client gets is the same with all frameworks.
  app.addHook('onSend', (request, reply, payload, next) => {
    const error = refused.get(request)
    if (error === undefined) return next(null, payload)
    if (payload instanceof Readable) payload.destroy()
    const answer = bodyAnswer(error)
    send(reply, answer)
    next(null, answer.body)
  })
}

function send(reply: FastifyReply, { status, head }: ReturnType<typeof bodyAnswer>): FastifyReply {
  for (let at = 0; at < head.length; at += 2) reply.header(head[at] ?? '', head[at + 1])
  return reply.code(status)
}
