import type { Context, MiddlewareHandler, Next } from 'hono'
import {
  closeHotpath,
  exchangeOf,
  isSafeMethod,
  keepTicksFast,
  type LimitOptions,
  namedRoute,
  resolveHotpathOptions,
  routeLimit,
  runExchange,
  type HotpathOptions,
  type ResolvedHotpathOptions,
} from '../../http/index.ts'
import { addTags, HonoCacheStep } from './cache-step.ts'
import { headersOf } from './headers.ts'
import { HonoRequestView } from './request-view.ts'
import { compressResponse } from './compress.ts'
import { decodeBody } from './decode.ts'
import { limitMiddleware } from './limit.ts'
import { observed, observedRequest } from './observe.ts'
import { shedLoad } from './shed.ts'
import type { CachedOptions, Hotpath } from './types.ts'

keepTicksFast()

/**
 * hotpath for Hono 4: middleware for the app, with a cache step for its routes.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { hotpath } from 'hotpath/hono'
 *
 * const app = new Hono()
 * const hot = hotpath({ cache: { ttlMs: 60_000 } })
 * app.use(hot)
 * app.get('/users/:id', hot.cached({ tags: (c) => [`user:${c.req.param('id')}`] }), async (c) =>
 *   c.json(await findUser(c.req.param('id'))),
 * )
 * ```
 */
export function hotpath(options: HotpathOptions<Context> = {}): Hotpath {
  const resolved = resolveHotpathOptions(options)
  const { responseCache, observe, shed } = resolved
  const close = () => closeHotpath(resolved)
  return Object.assign(appMiddleware(resolved), {
    cached: (routeOptions: CachedOptions = {}) => cachedMiddleware(resolved, routeOptions),
    limited: (limitOptions: LimitOptions<Context> | string) =>
      limitMiddleware(routeLimit(resolved, limitOptions)),
    addTags,
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
}: ResolvedHotpathOptions<Context>): MiddlewareHandler {
  const work: MiddlewareHandler = async (context, next) => {
    const run: Next = () => runExchange(exchangeOf(context), () => observedRequest(context), next)
    if (decode === undefined) await run()
    else await decodeBody(decode, context, run)
    if (compress !== undefined) await compressResponse(compress, context)
    if (responseCache === undefined || isSafeMethod(context.req.method)) return
    const { status, headers } = context.res
    await responseCache
      .settleUnsafe(new HonoRequestView(context), status, headersOf(headers))
      // A failed cache fails no request.
      .catch(() => {})
  }
  const limiting = limit === undefined ? undefined : limitMiddleware(limit)
  const limited: MiddlewareHandler =
    limiting === undefined
      ? work
      : (context, next) => limiting(context, async () => void (await work(context, next)))
  const admitted: MiddlewareHandler =
    shed === undefined
      ? limited
      : (context, next) => shedLoad(shed, context, () => limited(context, next))
  return observe === undefined ? admitted : observed(observe, admitted)
}

function cachedMiddleware(
  { responseCache, clock }: ResolvedHotpathOptions<Context>,
  options: CachedOptions,
): MiddlewareHandler {
  const step =
    responseCache === undefined
      ? undefined
      : new HonoCacheStep(namedRoute(responseCache, options), clock)
  return (context, next) => {
    const { method } = context.req
    const isCacheable = method === 'GET' || method === 'HEAD'
    // What `next` resolves to is Hono's own affair, and must not be taken for a response.
    return step === undefined || !isCacheable ? next().then(ignore) : step.take(context, next)
  }
}

function ignore(): void {}
