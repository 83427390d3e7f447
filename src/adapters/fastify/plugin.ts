import type { FastifyInstance, FastifyPluginAsync, RouteOptions } from 'fastify'
import { inspect } from 'node:util'
import { HotpathError, knownOptions, type Clock } from '../../core/index.ts'
import {
  isSafeMethod,
  keepTicksFast,
  observeOptionNames,
  resolveSteps,
  type ResponseCache,
  type ShedStep,
} from '../../http/index.ts'
import { compressRoutes } from './compress.ts'
import { decodeBodies } from './decode.ts'
import { limitApp, limitRoutes } from './limit.ts'
import { addRequestContext, observeRequests } from './observe.ts'
import { addTags, cacheRoute } from './route-cache.ts'
import type { HotpathFastifyOptions } from './types.ts'

keepTicksFast()

/**
 * hotpath for Fastify 5. Await its registration, or register it before the plugins that declare
 * routes: it sees routes that are declared after it has loaded.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID; HOTPATH_HTTP_ROUTE_INVALID from the declaration of a
 * route
 *
 * @example
 * ```ts
 * import fastify from 'fastify'
 * import { hotpath } from 'hotpath/fastify'
 *
 * const app = fastify()
 * await app.register(hotpath)
 * app.get(
 *   '/users/:id',
 *   { config: { hotpath: { cache: { tags: ({ params }) => [`user:${params.id}`] } } } },
 *   async (request) => findUser(request.params.id),
 * )
 * ```
 */
export const hotpath: FastifyPluginAsync<HotpathFastifyOptions> = Object.assign(plugin, {
  // What `fastify-plugin` would set: the routes beside the plugin are its business.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'hotpath',
  [Symbol.for('plugin-meta')]: { name: 'hotpath', fastify: '5.x' },
})

// Async, so that a mistake in the options rejects the registration: Fastify would not see it thrown.
async function plugin(app: FastifyInstance, options: HotpathFastifyOptions): Promise<void> {
  // The last three are Fastify's own, for any plugin.
  knownOptions('hotpath', options, [
    'cache',
    ...observeOptionNames,
    'shed',
    'limit',
    'compress',
    'decodeRequests',
    'trustProxy',
    'prefix',
    'logLevel',
    'logSerializers',
  ])
  const { responseCache, observe, shed, limit, compress, decode, proxies, clock } =
    resolveSteps(options)
  if (observe !== undefined) observeRequests(app, observe)
  if (shed !== undefined) addShedding(app, shed)
  if (limit !== undefined) limitApp(app, limit)
  app.decorate('hotpath', {
    responseCache,
    budgets: observe?.budgets,
    shedder: shed?.shedder,
    invalidateTags: async (tags) => responseCache?.invalidateTags(tags),
  })
  app.decorateReply('cacheTags', addTags)
  if (responseCache !== undefined) {
    addResponseCache(app, responseCache, clock)
    addInvalidation(app, responseCache)
  }
  // After the cache: its step on a public route is in `onRequest` then, and the limit goes before it.
  limitRoutes(app, proxies)
  if (compress !== undefined) compressRoutes(app, compress)
  if (decode !== undefined) decodeBodies(app, decode)
  addRequestContext(app)
}

// Nothing of Fastify runs for a refused request any more: no hook, no serialiser.
function addShedding(app: FastifyInstance, step: ShedStep): void {
  app.addHook('onRequest', (request, reply, next) => {
    if (step.lets(request, reply.raw)) next()
    else reply.hijack()
  })
  app.addHook('onClose', () => step.close())
}

function addResponseCache(app: FastifyInstance, responseCache: ResponseCache, clock: Clock): void {
  // Not a WeakSet: what stands in its place by mistake need not be an object.
  const seen = new Set<unknown>()
  app.addHook('onRoute', (routeOptions) => {
    const options = routeOptions.config?.hotpath?.cache
    if (options === undefined) return
    seen.add(options)
    checkMethods(routeOptions)
    const { url: route, constraints } = routeOptions
    const scope = constraints === undefined ? '' : inspect(constraints)
    cacheRoute(routeOptions, responseCache.route({ route, scope }, options), clock)
  })

  // A route that was declared too early is like any other, only slow: it must not go unnoticed.
  app.addHook('onSend', (request, _reply, payload, next) => {
    const { config, url } = request.routeOptions
    const options = config?.hotpath?.cache
    if (options !== undefined && !seen.has(options)) {
      seen.add(options)
      process.emitWarning(
        `route ${url} asks for a cache but was declared before hotpath had loaded, so it has none: ` +
          'write `await app.register(hotpath)` before it, or declare it in a plugin',
        { code: 'HOTPATH_HTTP_ROUTE_INVALID' },
      )
    }
    next(null, payload)
  })
  app.addHook('onClose', () => responseCache.close())
}

// What an unsafe request has changed is forgotten before it is answered.
function addInvalidation(app: FastifyInstance, responseCache: ResponseCache): void {
  app.addHook('onSend', (request, reply, payload, next) => {
    if (isSafeMethod(request.method)) return next(null, payload)
    const answer = () => next(null, payload)
    void responseCache
      .settleUnsafe(request, reply.statusCode, reply.getHeaders())
      .then(answer, answer)
  })
}

function checkMethods({ method, url }: RouteOptions): void {
  const others = [method].flat().filter((one) => one !== 'GET' && one !== 'HEAD')
  if (others.length === 0) return
  throw new HotpathError(
    'HOTPATH_HTTP_ROUTE_INVALID',
    `route ${url} asks for a cache but answers ${others.join(', ')}: only GET and HEAD are cached; ` +
      'take config.hotpath.cache away, or declare the GET route by itself',
  )
}
