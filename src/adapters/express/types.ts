import type { Request, RequestHandler, Response } from 'express'
import type {
  Budgets,
  LimitOptions,
  NamedRouteOptions,
  ResponseCache,
  Shedder,
} from '../../http/index.ts'

/** How the responses of one route are cached; its functions get Express's own request. */
export type CachedOptions = NamedRouteOptions<Request>

/** The middleware of an app, and what its routes and handlers need of it. */
export interface Hotpath extends RequestHandler {
  /**
   * The cache step of a GET route. It stands where it is written: what comes before it in the list,
   * a login for instance, runs for a hit as well; what comes after it does not. Give each route a
   * step of its own. Other methods pass through it.
   *
   * @throws HotpathError HOTPATH_HTTP_ROUTE_INVALID, HOTPATH_OPTION_INVALID
   */
  cached(options?: CachedOptions): RequestHandler
  /**
   * A limit of its own for a route, or for several that share the middleware. It stands where it is
   * written: behind a login it may go by the user.
   *
   * @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_LIMIT_POLICY_INVALID
   */
  limited(options: LimitOptions<Request> | string): RequestHandler
  /**
   * Names the route in traces and budgets, where Express has no pattern of it: behind a router that is
   * mounted on a path with parameters.
   *
   * @throws HotpathError HOTPATH_OPTION_INVALID
   */
  named(pattern: string): RequestHandler
  /**
   * Adds names under which this response can be invalidated, which the handler has learnt from what
   * it is about to answer. Call it before the answer is sent. One that was invalidated since the
   * request came keeps the response from being stored. Does nothing on a route without a cache.
   *
   * @throws HotpathError HOTPATH_CACHE_KEY_INVALID
   */
  addTags(response: Response, tags: readonly string[]): void
  /**
   * Forgets the responses with one of the tags, and what running handlers with these tags will
   * answer: await it before a write is confirmed, and the next read sees the write.
   */
  invalidateTags(tags: readonly string[]): Promise<void>
  /** Undefined with `cache: false`. */
  readonly responseCache: ResponseCache | undefined
  /** Undefined without `budgets`. */
  readonly budgets: Budgets | undefined
  /** Undefined without `shed`. */
  readonly shedder: Shedder | undefined
  /** From now on every request goes to its handler. Close the server first. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
