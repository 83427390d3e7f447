import { nonEmptyString } from '../core/index.ts'
import type { CachedRoute } from './cached-route.ts'
import { optionsForViews, type RequestView } from './request-view.ts'
import type { ResponseCache } from './response-cache.ts'
import type { CachedRouteOptions } from './route-options.ts'

/** The options of a cache step that is not told where it stands. */
export interface NamedRouteOptions<Request> extends CachedRouteOptions<Request> {
  /**
   * Names the route in events and messages, `/users/:id` for instance. It is part of the key: routes
   * that share an address and differ by something else, such as a guard before them, need two names.
   *
   * @defaultValue none: the address alone tells responses apart
   */
  route?: string | undefined
}

/** @throws HotpathError HOTPATH_HTTP_ROUTE_INVALID, HOTPATH_OPTION_INVALID */
export function namedRoute<Request>(
  responseCache: ResponseCache,
  options: NamedRouteOptions<Request>,
): CachedRoute<RequestView<Request>> {
  const { route, ...rest } = options
  const place =
    route === undefined
      ? { route: 'unnamed', scope: '' }
      : { route: nonEmptyString('route', route), scope: route }
  return responseCache.route(place, optionsForViews(rest))
}
