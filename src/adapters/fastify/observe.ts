import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { IncomingHttpHeaders } from 'node:http'
import {
  exchangeOf,
  isEncrypted,
  runExchange,
  type ObservedRequest,
  type ObserveStep,
} from '../../http/index.ts'

/** Opens the exchange of each request, before any other hook that is declared later. */
export function observeRequests(app: FastifyInstance, step: ObserveStep): void {
  app.addHook('onRequest', (request, reply, next) => {
    step.open(new ObservedFastifyRequest(request), reply.raw)
    next()
  })
  // Fastify makes an object of a dozen fields whenever it is asked for the options of a route: it takes
  // longer than all else here.
  app.addHook('onRoute', (routeOptions) => {
    const { url } = routeOptions
    const nameRoute: onRequestHookHandler = (_request, reply, next) => {
      exchangeOf(reply.raw)?.nameRoute(url)
      next()
    }
    routeOptions.onRequest = [nameRoute, routeOptions.onRequest ?? []].flat()
  })
  app.addHook('onClose', () => step.close())
}

/** Runs handlers in the context of their request. */
export function addRequestContext(app: FastifyInstance): void {
  // Not in onRequest: a body is read from the socket, out of any context that was opened before.
  app.addHook('preHandler', (request, reply, next) => {
    runExchange(exchangeOf(reply.raw), () => new ObservedFastifyRequest(request), next)
  })
}

class ObservedFastifyRequest implements ObservedRequest {
  readonly #request: FastifyRequest

  constructor(request: FastifyRequest) {
    this.#request = request
  }

  get method(): string {
    return this.#request.method
  }

  get url(): string {
    return this.#request.url
  }

  get headers(): IncomingHttpHeaders {
    return this.#request.headers
  }

  get socketAddress(): string | undefined {
    return this.#request.raw.socket.remoteAddress
  }

  get isEncrypted(): boolean {
    return isEncrypted(this.#request.raw.socket)
  }

  get pattern(): string | undefined {
    return this.#request.routeOptions.url
  }
}
