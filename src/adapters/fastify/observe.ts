import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  exchangeOf,
  runExchange,
  type ObservedRequest,
  type ObserveStep,
} from '../../http/index.ts'

/** Opens the exchange of each request, before any other hook that is declared later. */
export function observeRequests(app: FastifyInstance, step: ObserveStep): void {
  app.addHook('onRequest', (request, reply, next) => {
    step.open(observedRequest(request), reply.raw)
    next()
  })
  app.addHook('onClose', () => step.close())
}

/** Runs handlers in the context of their request. */
export function addRequestContext(app: FastifyInstance): void {
  // Not in onRequest: a body is read from the socket, out of any context that was opened before.
  app.addHook('preHandler', (request, reply, next) => {
    runExchange(exchangeOf(reply.raw), () => observedRequest(request), next)
  })
}

function observedRequest(request: FastifyRequest): ObservedRequest {
  const { method, url } = request
  return { method, url, pattern: () => request.routeOptions.url }
}
