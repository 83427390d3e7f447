import { resolveCacheOptions, type CacheOptions } from './options.ts'
import type { CacheStats } from './stats.ts'
import { TieredCache } from './tiered-cache.ts'

/** What a loader is told, and what it may decide. */
export interface LoadContext {
  /** Aborts when every caller who waits for this load is gone. */
  readonly signal: AbortSignal
  /**
   * False once the key was written or one of its tags invalidated since the load began: what it
   * returns still goes to those who wait, but is not kept.
   */
  readonly isCurrent: boolean
  /**
   * How long the value will be kept, in milliseconds: at first what the call says. A loader that
   * learns it from the source sets it; `false` hands the value out and keeps it nowhere.
   */
  ttlMs: number | false
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
   * Names under which the value can be invalidated, together with all others that carry them. At
   * most 256, each of at most 2,048 characters.
   */
  tags?: readonly string[] | undefined
}

/** How {@link Cache.getOrSet} loads. */
export interface GetOrSetOptions extends SetOptions {
  /** Ends this caller's waiting. The load goes on for the others, and stops with the last of them. */
  signal?: AbortSignal | undefined
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
   * The value of a key, or `undefined` when it is not in the cache.
   *
   * @throws HotpathError HOTPATH_CACHE_KEY_INVALID, HOTPATH_COMPONENT_CLOSED
   */
  get<T extends Value = Value>(key: string): Promise<T | undefined>

  /**
   * The value if memory has it; never waits. Counts as a hit when it finds something and not at all
   * when it does not: a `get` or `getOrSet` is expected to follow.
   */
  peek<T extends Value = Value>(key: string): T | undefined

  /**
   * The value of a key; from the loader where the cache has none. Simultaneous callers of one key
   * share one load, of which the first one's loader and options count. A load that fails fails for
   * all who wait and is not kept. Trouble with Redis is never a failure: it is published on
   * `hotpath:cache:trouble`.
   *
   * @throws HotpathError HOTPATH_CACHE_KEY_INVALID, HOTPATH_OPTION_INVALID, HOTPATH_COMPONENT_CLOSED
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

  stats(): CacheStats

  /**
   * Forgets what is in memory and waits for writes to Redis that are under way. Loads that are
   * running reach those who wait for them. The Redis client stays open: it is yours.
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
