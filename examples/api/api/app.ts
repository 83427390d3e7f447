import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { BuildOptions } from './contract.ts'
import { answerErrors, errorBody } from './errors.ts'

/**
 * Who may say, in `X-Forwarded-For`, which client a request is from: a proxy on this machine. The
 * builds listen on the loopback only, so that whoever comes from elsewhere comes through one.
 */
export const trustedProxies = ['loopback']

/** Makes the application of a build. Where `setUp` fails, what it opened is closed again. */
export async function createApp(
  options: BuildOptions,
  setUp: (app: FastifyInstance, options: BuildOptions) => Promise<void> | void,
): Promise<FastifyInstance> {
  const app = Fastify({
    logger: options.logger ?? false,
    trustProxy: trustedProxies,
    // Paths that are no paths never reach the application's own error handler.
    frameworkErrors(error, _request, reply: FastifyReply) {
      reply.code(400).send(errorBody(400, error.message))
    },
  })
  answerErrors(app)
  try {
    await setUp(app, options)
    return app
  } catch (error) {
    await app.close()
    throw error
  }
}
