import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  onSendHookHandler,
  RouteHandlerMethod,
  RouteOptions,
} from 'fastify'
import type { Clock } from '../../core/index.ts'
import {
  abandonAfterClose,
  ForwardedRequest,
  noteForwarded,
  noteFound,
  sendableBody,
  type CachedRoute,
  type Found,
  type ReadyAnswer,
  type ResponseHeaders,
} from '../../http/index.ts'
import type { CacheRequest } from './types.ts'

/**
 * Puts the cache step into a route. A hit is answered in place of the handler, so that it comes
 * after every hook that the app has, also those that other plugins add to the route later; on a
 * public route, memory is asked after the `onRequest` hooks already.
 */
export function cacheRoute(
  routeOptions: RouteOptions,
  route: CachedRoute<CacheRequest>,
  clock: Clock,
): void {
  const step = new FastifyCacheStep(route, routeOptions.handler, clock)
  routeOptions.handler = step.handler
  routeOptions.onSend = [routeOptions.onSend ?? [], step.onSend].flat()
  if (route.isPublic) routeOptions.onRequest = [routeOptions.onRequest ?? [], step.onRequest].flat()
}

// Of requests whose handler is running. Beside them and not on them, as the arrivals below.
const forwardedRequests = new WeakMap<FastifyRequest, ForwardedRequest>()

/** What `reply.cacheTags` does: nothing where the response is not going to be kept. */
export function addTags(this: FastifyReply, tags: readonly string[]): FastifyReply {
  forwardedRequests.get(this.request)?.addTags(tags)
  return this
}

/** What a request to a public route was before the hooks that a hit leaves out. */
interface Arrival {
  readonly key: string | undefined
  readonly inherited: ResponseHeaders
}

class FastifyCacheStep {
  readonly #route: CachedRoute<CacheRequest>
  readonly #next: RouteHandlerMethod
  readonly #clock: Clock
  // Beside the requests and not on them: only misses come here, and their requests keep their shape.
  readonly #arrivals = new WeakMap<FastifyRequest, Arrival>()

  constructor(route: CachedRoute<CacheRequest>, next: RouteHandlerMethod, clock: Clock) {
    this.#route = route
    this.#next = next
    this.#clock = clock
  }

  readonly onRequest: onRequestHookHandler = (request, reply, done) => {
    const key = this.#route.keyOf(request as CacheRequest)
    if (this.#answerAtOnce(key, request, reply)) return
    // The hooks from here on do not run for a hit: what they set belongs to the response.
    this.#arrivals.set(request, { key, inherited: reply.getHeaders() })
    done()
  }

  // Fastify sets `this` to the instance, which the app's handler must see too.
  get handler(): RouteHandlerMethod {
    const step = this
    return function cachedHandler(request, reply) {
      return step.#handle(this, request, reply)
    }
  }

  readonly onSend: onSendHookHandler<unknown> = (request, reply, payload, done) => {
    const forwarded = forwardedRequests.get(request)
    // Refused by a hook before the cache step, or here for the second time, after an error.
    if (forwarded === undefined) return done(null, payload)
    forwardedRequests.delete(request)

    const headers = reply.getHeaders()
    const finished = forwarded.finish({ status: reply.statusCode, headers, body: payload })
    reply.headers(finished.headers)
    const { isNotModified, instead } = finished
    if (!isNotModified && instead === undefined) return done(null, payload)
    for (const name of ['content-type', 'content-length', 'content-encoding']) {
      reply.removeHeader(name)
    }
    reply.code(instead?.status ?? 304)
    for (const [name, value] of pairsOf(instead?.head ?? [])) reply.header(name, value)
    const body = instead === undefined ? null : (sendableBody(instead) ?? null)
    done(null, request.method === 'HEAD' ? null : body)
  }

  #handle(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): unknown {
    const arrival = this.#route.isPublic ? this.#arrivals.get(request) : undefined
    const key = arrival === undefined ? this.#route.keyOf(request as CacheRequest) : arrival.key
    if (key === undefined) {
      return this.#run(app, this.#route.bypass(request as CacheRequest), request, reply)
    }
    if (this.#answerAtOnce(key, request, reply)) return undefined
    const inherited = arrival?.inherited ?? reply.getHeaders()
    const entered = this.#route.enter(key, request as CacheRequest, inherited)
    if (entered instanceof ForwardedRequest) return this.#run(app, entered, request, reply)
    return entered.then((outcome) => this.#resume(app, key, outcome, request, reply))
  }

  #answerAtOnce(key: string | undefined, request: FastifyRequest, reply: FastifyReply): boolean {
    if (key === undefined) return false
    const stored = this.#route.peek(key, request as CacheRequest)
    if (stored === undefined) return false
    this.#answer(key, { stored, isCollapsed: false }, request, reply)
    return true
  }

  #answer(key: string, found: Found, request: FastifyRequest, reply: FastifyReply): void {
    noteFound(reply.raw, found)
    write(reply, request, this.#route.answer(key, found, request.headers, reply.getHeaders()))
  }

  /** Runs the handler, as Fastify would. */
  #run(
    app: FastifyInstance,
    forwarded: ForwardedRequest,
    request: FastifyRequest,
    reply: FastifyReply,
  ): unknown {
    noteForwarded(reply.raw, forwarded)
    forwardedRequests.set(request, forwarded)
    const result: unknown = this.#next.call(app, request, reply)
    abandonAfterClose(reply.raw, forwarded, result, this.#clock)
    return result
  }

  #resume(
    app: FastifyInstance,
    key: string,
    outcome: Found | ForwardedRequest,
    request: FastifyRequest,
    reply: FastifyReply,
  ): unknown {
    if (reply.sent) {
      // The route's time limit has answered meanwhile.
      if (outcome instanceof ForwardedRequest) outcome.abandon()
      return undefined
    }
    if (!(outcome instanceof ForwardedRequest)) {
      this.#answer(key, outcome, request, reply)
      return undefined
    }
    const result = this.#run(app, outcome, request, reply)
    // To Fastify an `undefined` from a promise is an empty answer; from this handler it says that
    // `reply.send` will be called.
    return result === undefined ? new Promise(() => {}) : result
  }
}

function* pairsOf(head: readonly string[]): Iterable<readonly [name: string, value: string]> {
  for (let at = 0; at + 1 < head.length; at += 2) yield [head[at] ?? '', head[at + 1] ?? '']
}

function write(reply: FastifyReply, request: FastifyRequest, answer: ReadyAnswer): void {
  const { status, head, body, textEncoding = 'utf8' } = answer
  reply.hijack()
  reply.raw.writeHead(status, head)
  if (request.method === 'HEAD' || body === undefined) reply.raw.end()
  else reply.raw.end(body, textEncoding)
}
