import type { CacheOptions } from './options.ts'
import { resolveCacheOptions } from './resolved-options.ts'
import type { CacheStats } from './stats.ts'
import { TieredCache } from './tiered-cache.ts'

/** What a loader is told, and what it may decide. */
export interface LoadContext {
  /** Aborts when every caller who waits for this load is gone. */
  readonly signal: AbortSignal
  /**
   * False once the key was written or one of its tags invalidated or expired since the load began:
   * what it returns still goes to those who wait, but is not kept as fresh.
   */
  readonly isCurrent: boolean
  /**
   * What those who wait are given should the load fail: the value that it is to replace, for as long
   * as that may be served; else `undefined`.
   */
  readonly fallback: unknown
  /**
   * How long the value will be kept, in milliseconds: at first what the call says. A loader that
   * learns it from the source sets it; `false` hands the value out and keeps it nowhere.
   */
  ttlMs: number | false
  /** How long it may be served stale after that, in milliseconds, as `staleMs` of the cache. */
  staleMs: number | false
  /** The same, where a load fails; as `staleIfErrorMs` of the cache. */
  staleIfErrorMs: number | false
  /**
   * Adds tags that are only known when the value is there: of the users on a page, say. One that was
   * invalidated since the load began makes the value outdated like a tag that was given before.
   * With more than 256 tags in all the value is handed out and kept nowhere.
   *
   * @throws HotpathError HOTPATH_CACHE_KEY_INVALID
   */
  addTags(tags: readonly string[]): void
}

/** Makes the value of a key that is not in the cache. */
export type Loader<Value> = (context: LoadContext) => Value | Promise<Value>

/** How a value is kept. */
export interface SetOptions {
  /**
   * In milliseconds.
   *
   * @defaultValue the cache's `ttlMs`
   */
  ttlMs?: number | undefined
  /**
   * How long it may be served stale after that, while it is loaded anew.
   *
   * @defaultValue the cache's `staleMs`
   */
  staleMs?: number | false | undefined
  /**
   * How long it may be served stale where a load fails.
   *
   * @defaultValue the cache's `staleIfErrorMs`
   */
  staleIfErrorMs?: number | false | undefined
  /**
   * Names under which the value can be invalidated, together with all others that carry them. At
   * most 256, each of at most 2,048 characters.
   */
  tags?: readonly string[] | undefined
}

/** How {@link Cache.getOrSet} loads. */
export interface GetOrSetOptions extends SetOptions {
  /** Ends this caller's waiting. The load goes on for the others, and stops with the last of them. */
  signal?: AbortSignal | undefined
  /**
   * How long this caller waits before he is served stale.
   *
   * @defaultValue the cache's `softTimeoutMs`
   */
  softTimeoutMs?: number | false | undefined
  /**
   * How long this caller waits at most.
   *
   * @defaultValue the cache's `hardTimeoutMs`
   */
  hardTimeoutMs?: number | false | undefined
  /** Called before the promise resolves to a value that is stale. */
  onStale?: (() => void) | undefined
  /**
   * The call that begins the refresh of a value waits for it; others are served what is there
   * meanwhile. For loaders that cannot run in the background, because what they do is to answer
   * the caller's own request.
   *
   * @defaultValue false
   */
  isRefreshAwaited?: boolean | undefined
}

/**
 * A cache in one or two tiers. Values in memory are kept by reference: treat them as read-only.
 * Values from Redis are copies, as `structuredClone` makes them: Date, Map, Set, BigInt and Buffer
 * survive, classes lose their prototype.
 *
 * `undefined` and `null` say that there is no such thing. They are kept like values, for
 * `negativeTtlMs` at most, and come back as they were.
 */
export interface Cache<Value = unknown> {
  readonly name: string

  /**
   * The value of a key, or `undefined` when it is not in the cache, or no longer fresh: only a call
   * that can load is served stale.
   *
   * @throws HotpathError HOTPATH_CACHE_KEY_INVALID, HOTPATH_COMPONENT_CLOSED
   */
  get<T extends Value = Value>(key: string): Promise<T | undefined>

  /**
   * The fresh values of several keys, from Redis in one round trip. A key that is not in the cache
   * is not in the map; one that is known to be missing is, with `undefined` or `null`.
   *
   * @throws HotpathError HOTPATH_CACHE_KEY_INVALID, HOTPATH_COMPONENT_CLOSED
   */
  getMany<T extends Value = Value>(keys: readonly string[]): Promise<Map<string, T>>

  /**
   * The value if memory has it fresh; never waits. Counts as a hit when it finds something and not
   * at all when it does not: a `get` or `getOrSet` is expected to follow. Finds nothing, too, where
   * it is time for an early refresh, so that a `getOrSet` may begin it.
   */
  peek<T extends Value = Value>(key: string): T | undefined

  /**
   * The value of a key; from the loader where the cache has none. Simultaneous callers of one key
   * share one load, of which the first one's loader and options count. A load that fails fails for
   * all who wait and is not kept; where `staleIfErrorMs` allows it, they are served the stale value
   * instead. Trouble with Redis is never a failure: it is published on `hotpath:cache:trouble`.
   *
   * A loader must not ask the cache for its own key: it would wait for itself. `hardTimeoutMs` ends
   * that.
   *
   * @throws HotpathError HOTPATH_CACHE_KEY_INVALID, HOTPATH_OPTION_INVALID,
   * HOTPATH_COMPONENT_CLOSED, HOTPATH_CACHE_LOAD_TIMEOUT
   *
   * @example
   * ```ts
   * const user = await cache.getOrSet(`user:${id}`, ({ signal }) => loadUser(id, signal), {
   *   tags: [`user:${id}`],
   * })
   * ```
   */
  getOrSet<T extends Value>(key: string, load: Loader<T>, options?: GetOrSetOptions): Promise<T>

  /**
   * Keeps a value. Seen by every read that begins after the call; by other processes once the
   * promise resolves. Loads of the key that are under way will not overwrite it.
   *
   * @throws HotpathError HOTPATH_CACHE_KEY_INVALID, HOTPATH_OPTION_INVALID, HOTPATH_COMPONENT_CLOSED;
   * HOTPATH_CACHE_VALUE_INVALID with `redis`, for a value that cannot be sent (a function, a symbol,
   * a promise)
   */
  set(key: string, value: Value, options?: SetOptions): Promise<void>

  /**
   * Keeps several values, as {@link Cache.set} does; where one of them is refused, none is kept.
   *
   * @throws as {@link Cache.set}
   */
  setMany(
    entries: Iterable<readonly [key: string, value: Value]>,
    options?: SetOptions,
  ): Promise<void>

  /**
   * Forgets a key, and what running loads of it will bring. The promise resolves when Redis has
   * forgotten it too, or after `redisTimeoutMs`: then it is made good as soon as Redis answers, and
   * until then this process does not read from Redis.
   */
  delete(key: string): Promise<void>

  /**
   * Forgets every value that carries one of the tags, and what running loads with these tags will
   * bring; O(1) for each tag. The promise resolves as that of {@link Cache.delete} does.
   */
  invalidateTags(tags: readonly string[]): Promise<void>

  /**
   * Makes every value that carries one of the tags stale, as if its TTL ended now: it is served for
   * its `staleMs` and `staleIfErrorMs` and no longer. Expiring a tag again starts these times again,
   * but the value's own TTL bounds them. What running loads with these tags bring is stale as well.
   * The promise resolves as that of {@link Cache.delete} does.
   */
  expireTags(tags: readonly string[]): Promise<void>

  stats(): CacheStats

  /**
   * Forgets what is in memory and waits for writes to Redis that are under way. Loads that are
   * running reach those who wait for them; refreshes are told to stop. The Redis client stays open:
   * it is yours.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a cache.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createCache } from 'hotpath/cache'
 *
 * const users = createCache<User | undefined>({ name: 'users', ttlMs: 60_000 })
 * const user = await users.getOrSet('user:1', () => database.findUser(1), { tags: ['user:1'] })
 * await users.invalidateTags(['user:1'])
 * ```
 */
export function createCache<Value = unknown>(options: CacheOptions = {}): Cache<Value> {
  return new TieredCache<Value>(resolveCacheOptions(options))
}
