import type { Request, RequestHandler } from 'express'
import { nonEmptyString } from '../../core/index.ts'
import {
  addNodeTags,
  closeHotpath,
  compressNode,
  decodeNode,
  exchangeOf,
  isSafeMethod,
  keepTicksFast,
  type LimitStep,
  type LimitOptions,
  namedRoute,
  NodeCacheStep,
  resolveHotpathOptions,
  routeLimit,
  runExchange,
  settleBeforeEnd,
  type HotpathOptions,
  type ResolvedHotpathOptions,
} from '../../http/index.ts'
import { watchRoutes } from './mounted-route.ts'
import { ExpressRequestView, ObservedExpressRequest } from './request-view.ts'
import type { CachedOptions, Hotpath } from './types.ts'

keepTicksFast()

/**
 * hotpath for Express 5: middleware for the app, with a cache step for its routes.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import express from 'express'
 * import { hotpath } from 'hotpath/express'
 *
 * const app = express()
 * const hot = hotpath({ cache: { ttlMs: 60_000 } })
 * app.use(hot)
 * app.get(
 *   '/users/:id',
 *   hot.cached({ tags: ({ params }) => [`user:${String(params.id)}`] }),
 *   async (request, response) => void response.json(await findUser(request.params.id)),
 * )
 * ```
 */
export function hotpath(options: HotpathOptions<Request> = {}): Hotpath {
  const resolved = resolveHotpathOptions(options)
  const { responseCache, observe, shed } = resolved
  const close = () => closeHotpath(resolved)
  return Object.assign(appMiddleware(resolved), {
    cached: (routeOptions: CachedOptions = {}) => cachedMiddleware(resolved, routeOptions),
    limited: (limitOptions: LimitOptions<Request> | string) =>
      limitMiddleware(routeLimit(resolved, limitOptions)),
    named,
    addTags: addNodeTags,
    invalidateTags: async (tags: readonly string[]) => responseCache?.invalidateTags(tags),
    responseCache,
    budgets: observe?.budgets,
    shedder: shed?.shedder,
    close,
    [Symbol.asyncDispose]: close,
  })
}

function appMiddleware({
  responseCache,
  observe,
  shed,
  limit,
  compress,
  decode,
}: ResolvedHotpathOptions<Request>): RequestHandler {
  const work: RequestHandler = (request, response, next) => {
    if (compress !== undefined) compressNode(compress, request, response)
    if (responseCache !== undefined && !isSafeMethod(request.method)) {
      settleBeforeEnd(responseCache, () => new ExpressRequestView(request), response)
    }
    if (decode !== undefined && !decodeNode(decode, request, response)) return
    runExchange(exchangeOf(response), () => new ObservedExpressRequest(request), next)
  }
  const limited = limit === undefined ? work : before(limit, work)
  const admitted: RequestHandler =
    shed === undefined
      ? limited
      : (request, response, next) => {
          if (shed.lets(new ExpressRequestView(request), response))
            return limited(request, response, next)
          return undefined
        }
  if (observe === undefined) return admitted
  return (request, response, next) => {
    watchRoutes(request.app)
    observe.open(new ObservedExpressRequest(request), response)
    return admitted(request, response, next)
  }
}

function named(pattern: string): RequestHandler {
  nonEmptyString('pattern', pattern)
  return (_request, response, next) => {
    exchangeOf(response)?.nameRoute(pattern)
    next()
  }
}

function limitMiddleware(step: LimitStep<Request>): RequestHandler {
  return before(step, (_request, _response, next) => next())
}

/** The middleware, for requests that the limit lets through. */
function before(step: LimitStep<Request>, middleware: RequestHandler): RequestHandler {
  return (request, response, next) => {
    const lets = step.lets(new ExpressRequestView(request), response)
    if (lets === true) return middleware(request, response, next)
    if (lets === false) return undefined
    // Express hands on what a promise rejects with.
    return lets.then((isLet) => (isLet ? middleware(request, response, next) : undefined))
  }
}

function cachedMiddleware(
  { responseCache, clock }: ResolvedHotpathOptions<Request>,
  options: CachedOptions,
): RequestHandler {
  if (responseCache === undefined) return (_request, _response, next) => next()
  const step = new NodeCacheStep(namedRoute(responseCache, options), clock)
  return (request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return next()
    const result = step.take(new ExpressRequestView(request), response, next)
    // Express hands on what a promise rejects with.
    return result instanceof Promise ? result.then(() => undefined) : undefined
  }
}
