import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { BuildOptions } from './contract.ts'
import { answerErrors, errorBody } from './errors.ts'

/** The bare application that every build puts its routes on. */
export function createApp({ logger = false }: BuildOptions): FastifyInstance {
  const app = Fastify({
    logger,
    // Paths that are no paths never reach the application's own error handler.
    frameworkErrors(error, _request, reply: FastifyReply) {
      reply.code(400).send(errorBody(400, error.message))
    },
  })
  answerErrors(app)
  return app
}
