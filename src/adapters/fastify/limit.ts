import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  RouteOptions,
} from 'fastify'
import type { IncomingHttpHeaders } from 'node:http'
import { inspect } from 'node:util'
import {
  LimitStep,
  type LimitedRequest,
  type LimitOptions,
  type LimitVerdict,
  type TrustedProxies,
} from '../../http/index.ts'

type Limit = LimitOptions<FastifyRequest> | string

/** What Fastify says of an app without any. */
const noRoutes = '(empty tree)'

/** A limit for all requests, also for those that no route answers. */
export function limitApp(app: FastifyInstance, step: LimitStep<FastifyRequest>): void {
  const hook = hookOf(step)
  // Fastify makes an object of a dozen fields whenever it is asked for the options of a route, and most
  // apps have no route that is taken out. Of those that were declared before, nothing is known.
  let mayBeTakenOut = app.printRoutes() !== noRoutes
  const declared: RouteOptions[] = []
  app.addHook('onRoute', (routeOptions) => void declared.push(routeOptions))
  // Not in onRoute: hooks of other plugins may still change the config.
  app.addHook('onReady', (done) => {
    mayBeTakenOut ||= declared.some(({ config }) => config?.hotpath?.limit === false)
    declared.length = 0
    done()
  })
  app.addHook('onRequest', function limitRequest(request, reply, next) {
    if (mayBeTakenOut && request.routeOptions.config?.hotpath?.limit === false) next()
    else hook.call(this, request, reply, next)
  })
  app.addHook('onClose', () => step.close())
}

/** The limits that routes have of their own. */
export function limitRoutes(app: FastifyInstance, proxies: TrustedProxies | undefined): void {
  // Fastify declares the HEAD beside a GET by itself, with the same config: they share the limit. Other
  // routes do not, though an app may have written their limits once.
  const steps = new Map<string, Map<Limit, LimitStep<FastifyRequest>>>()
  app.addHook('onRoute', (routeOptions) => {
    const limit = routeOptions.config?.hotpath?.limit
    if (limit === undefined || limit === false) return
    const place = placeOf(routeOptions)
    const stepsHere = steps.get(place) ?? new Map<Limit, LimitStep<FastifyRequest>>()
    steps.set(place, stepsHere)
    const step =
      stepsHere.get(limit) ?? new LimitStep(`limit of ${routeOptions.url}`, limit, proxies)
    stepsHere.set(limit, step)
    addStep(routeOptions, limit, hookOf(step))
  })
  app.addHook('onClose', async () => {
    const all = [...steps.values()].flatMap((stepsHere) => [...stepsHere.values()])
    await Promise.all(all.map((step) => step.close()))
  })
}

// What a function reads of a request, the hooks of a login have put there.
function addStep(routeOptions: RouteOptions, limit: Limit, hook: onRequestHookHandler): void {
  const isByFunction =
    typeof limit === 'object' &&
    [limit.key, limit.cost, limit.limiter, limit.skip].some((one) => typeof one === 'function')
  if (isByFunction) routeOptions.preHandler = [routeOptions.preHandler ?? [], hook].flat()
  else routeOptions.onRequest = [hook, routeOptions.onRequest ?? []].flat()
}

function placeOf({ url, constraints }: RouteOptions): string {
  return constraints === undefined ? url : `${url} ${inspect(constraints)}`
}

function hookOf(step: LimitStep<FastifyRequest>): onRequestHookHandler {
  return (request, reply, next) => {
    const verdict = step.judge(new FastifyLimitedRequest(request))
    if (!(verdict instanceof Promise)) return apply(verdict, request, reply, next)
    verdict.then((made) => apply(made, request, reply, next), next)
    return undefined
  }
}

function apply(
  verdict: LimitVerdict,
  request: FastifyRequest,
  reply: FastifyReply,
  next: () => void,
): void {
  const { refusal } = verdict
  const head = refusal === undefined ? verdict.head : refusal.head
  for (let at = 0; at < head.length; at += 2) reply.header(head[at] ?? '', head[at + 1])
  if (refusal === undefined) return next()
  // Through Fastify, so that the app's hooks see it: a browser needs the headers of CORS here too.
  // As bytes: to the type of a text Fastify would add a charset.
  const body = request.method === 'HEAD' ? undefined : Buffer.from(refusal.body ?? '')
  void reply.code(refusal.status).send(body)
}

/** What is not asked for, is not looked up. */
class FastifyLimitedRequest implements LimitedRequest<FastifyRequest> {
  readonly raw: FastifyRequest

  constructor(raw: FastifyRequest) {
    this.raw = raw
  }

  get method(): string {
    return this.raw.method
  }

  get url(): string {
    return this.raw.url
  }

  get headers(): IncomingHttpHeaders {
    return this.raw.headers
  }

  get socketAddress(): string | undefined {
    return this.raw.raw.socket.remoteAddress
  }
}
