import type { Application, Request } from 'express'

/** A request and what Express has set on it when it found a route. */
interface RoutedRequest {
  baseUrl: string
  [routeKey]?: unknown
  [mountKey]?: string
}

/** What the types of Express leave out: the prototype of requests, and the app that this is mounted on. */
interface MountedApp {
  readonly request: object
  readonly parent?: Application
}

const routeKey: unique symbol = Symbol('hotpath route')
const mountKey: unique symbol = Symbol('hotpath mount path')

const watched = new WeakSet<object>()

/**
 * Notes, for all requests of an app, the path that a router is mounted on when a route in it is found. An
 * error takes Express back out of the router, and `baseUrl` with it, before anybody answers; `route`
 * stays, and would be taken for one of the app itself.
 */
export function watchRoutes(app: Application): void {
  const { parent, request: prototype } = app as Application & MountedApp
  // A request inherits from the prototype of the outermost app, also while a mounted one handles it.
  if (parent !== undefined) return watchRoutes(parent)
  if (watched.has(prototype)) return
  watched.add(prototype)
  Object.defineProperty(prototype, 'route', {
    configurable: true,
    enumerable: true,
    get(this: RoutedRequest) {
      return this[routeKey]
    },
    set(this: RoutedRequest, route: unknown) {
      this[routeKey] = route
      this[mountKey] = this.baseUrl
    },
  })
}

/** The pattern of the route that was found last, with the path of its router. */
export function patternOf(request: Request): string | undefined {
  const route = request.route as { readonly path: unknown } | undefined
  if (route === undefined) return undefined
  const { [mountKey]: mount = request.baseUrl } = request as RoutedRequest
  return `${mount}${String(route.path)}`
}
