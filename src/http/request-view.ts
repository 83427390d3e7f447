import type { CacheableRequest, CachedRouteOptions } from './route-options.ts'

/**
 * A framework's request as the exchange reads it, beside the request itself, where the two differ:
 * a mounted router has cut the URL, or there is no parsed query.
 */
export interface RequestView<Raw> extends CacheableRequest {
  readonly raw: Raw
}

/** A route's options for views: its functions get what the user knows, the request itself. */
export function optionsForViews<Raw>(
  options: CachedRouteOptions<Raw>,
): CachedRouteOptions<RequestView<Raw>> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'function' ? (view: RequestView<Raw>): unknown => value(view.raw) : value,
    ]),
  )
}
