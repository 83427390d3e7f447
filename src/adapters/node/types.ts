import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  Budgets,
  LimitOptions,
  NamedRouteOptions,
  ResponseCache,
  Shedder,
} from '../../http/index.ts'

/** How the responses of one route are cached; its functions get the request of `node:http`. */
export type CachedOptions = NamedRouteOptions<IncomingMessage>

/** What `createServer` takes, and any function that a router of your own calls. */
export type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** The cache of a server of `node:http`. */
export interface Hotpath {
  /**
   * A listener whose answers to GET requests are cached. What you call before it, a login for
   * instance, runs for a hit as well. Other methods reach the listener as they come; what they
   * answer invalidates, as with `handler`.
   *
   * @throws HotpathError HOTPATH_HTTP_ROUTE_INVALID, HOTPATH_OPTION_INVALID
   */
  cached(options: CachedOptions, listener: Listener): Listener
  /**
   * A listener with a limit of its own. What you call before it, a login for instance, comes first:
   * the limit may then go by the user.
   *
   * @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_LIMIT_POLICY_INVALID
   */
  limited(options: LimitOptions<IncomingMessage> | string, listener: Listener): Listener
  /**
   * A listener that goes by a pattern, `/users/:id` for instance, in traces and budgets: a server of
   * `node:http` has no routes of its own. One that is `cached` with a `route` has that name already.
   *
   * @throws HotpathError HOTPATH_OPTION_INVALID
   */
  named(pattern: string, listener: Listener): Listener
  /**
   * The listener of a whole server: what unsafe methods change is forgotten before they are
   * answered, whichever listener answers them. Sheds load, limits and traces, where that is
   * asked for.
   */
  handler(listener: Listener): Listener
  /**
   * Adds names under which this response can be invalidated, which the listener has learnt from what
   * it is about to answer. Call it before the answer is sent. One that was invalidated since the
   * request came keeps the response from being stored. Does nothing where there is no cache.
   *
   * @throws HotpathError HOTPATH_CACHE_KEY_INVALID
   */
  addTags(response: ServerResponse, tags: readonly string[]): void
  /**
   * Forgets the responses with one of the tags, and what running listeners with these tags will
   * answer: await it before a write is confirmed, and the next read sees the write.
   */
  invalidateTags(tags: readonly string[]): Promise<void>
  /** Undefined with `cache: false`. */
  readonly responseCache: ResponseCache | undefined
  /** Undefined without `budgets`. */
  readonly budgets: Budgets | undefined
  /** Undefined without `shed`. */
  readonly shedder: Shedder | undefined
  /** From now on every request goes to its listener. Close the server first. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
