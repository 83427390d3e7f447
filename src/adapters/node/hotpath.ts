import type { IncomingMessage } from 'node:http'
import { nonEmptyString } from '../../core/index.ts'
import {
  addNodeTags,
  closeHotpath,
  compressNode,
  decodeNode,
  exchangeOf,
  isEncrypted,
  isSafeMethod,
  keepTicksFast,
  type LimitStep,
  namedRoute,
  NodeCacheStep,
  NodeRequestView,
  resolveHotpathOptions,
  routeLimit,
  runExchange,
  settleBeforeEnd,
  withoutRefusedBody,
  type HotpathOptions,
  type ObservedRequest,
  type ResolvedHotpathOptions,
} from '../../http/index.ts'
import type { CachedOptions, Hotpath, Listener } from './types.ts'

keepTicksFast()

/**
 * hotpath for `node:http`, with a router of your own or with none.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { hotpath } from 'hotpath/node'
 *
 * const hot = hotpath({ cache: { ttlMs: 60_000 } })
 * const server = createServer(
 *   hot.cached({ route: '/time', tags: () => ['time'] }, (_request, response) => {
 *     response.end(new Date().toISOString())
 *   }),
 * )
 * ```
 */
export function hotpath(options: HotpathOptions<IncomingMessage> = {}): Hotpath {
  const resolved = resolveHotpathOptions(options)
  const { responseCache, observe, shed } = resolved
  const close = () => closeHotpath(resolved)
  return {
    cached: (routeOptions, listener) => {
      const cached = cachedListener(resolved, routeOptions, listener)
      const { route } = routeOptions
      return route === undefined ? cached : namedListener(route, cached)
    },
    named: namedListener,
    limited: (limitOptions, listener) =>
      limitedListener(routeLimit(resolved, limitOptions), listener),
    handler: (listener) => serverListener(resolved, listener),
    addTags: addNodeTags,
    invalidateTags: async (tags) => responseCache?.invalidateTags(tags),
    responseCache,
    budgets: observe?.budgets,
    shedder: shed?.shedder,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function serverListener(
  {
    responseCache,
    observe,
    shed,
    limit,
    compress,
    decode,
  }: ResolvedHotpathOptions<IncomingMessage>,
  listener: Listener,
): Listener {
  const run: Listener = (request, response) => {
    const work = () => listener(request, response)
    return runExchange(exchangeOf(response), () => observedRequest(request), work)
  }
  const work: Listener = (request, response) => {
    if (compress !== undefined) compressNode(compress, request, response)
    if (responseCache !== undefined && !isSafeMethod(request.method ?? 'GET')) {
      settleBeforeEnd(responseCache, () => new NodeRequestView(request), response)
    }
    if (decode === undefined) return run(request, response)
    if (!decodeNode(decode, request, response)) return undefined
    return withoutRefusedBody(run(request, response))
  }
  const limited = limit === undefined ? work : limitedListener(limit, work)
  const admitted: Listener =
    shed === undefined
      ? limited
      : (request, response) =>
          shed.lets(new NodeRequestView(request), response) ? limited(request, response) : undefined
  if (observe === undefined) return admitted
  return (request, response) => {
    observe.open(observedRequest(request), response)
    return admitted(request, response)
  }
}

function observedRequest({
  method = 'GET',
  url = '/',
  headers,
  socket,
}: IncomingMessage): ObservedRequest {
  return {
    method,
    url,
    pattern: undefined,
    headers,
    // Asked for behind a proxy only, and not free.
    get socketAddress() {
      return socket.remoteAddress
    },
    isEncrypted: isEncrypted(socket),
  }
}

function namedListener(pattern: string, listener: Listener): Listener {
  nonEmptyString('pattern', pattern)
  return (request, response) => {
    exchangeOf(response)?.nameRoute(pattern)
    return listener(request, response)
  }
}

function limitedListener(step: LimitStep<IncomingMessage>, listener: Listener): Listener {
  return (request, response) => {
    const lets = step.lets(new NodeRequestView(request), response)
    if (lets === true) return listener(request, response)
    if (lets === false) return undefined
    return lets.then((isLet) => (isLet ? listener(request, response) : undefined))
  }
}

function cachedListener(
  resolved: ResolvedHotpathOptions<IncomingMessage>,
  options: CachedOptions,
  listener: Listener,
): Listener {
  const { responseCache, clock } = resolved
  if (responseCache === undefined) return listener
  const step = new NodeCacheStep(namedRoute(responseCache, options), clock)
  return (request, response) => {
    const { method } = request
    if (method === 'GET' || method === 'HEAD') {
      return step.take(new NodeRequestView(request), response, () => listener(request, response))
    }
    if (!isSafeMethod(method ?? 'GET')) {
      settleBeforeEnd(responseCache, () => new NodeRequestView(request), response)
    }
    return listener(request, response)
  }
}
