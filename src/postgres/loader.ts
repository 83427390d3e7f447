import { requestContext, wantRequestContext, type RequestContext } from '../core/index.ts'
import type { BatchFunction } from './loader-batch.ts'
import { resolveLoaderOptions, type LoaderOptions } from './loader-options.ts'
import { LoaderScope } from './loader-scope.ts'

/** Loads by key, many keys in one query. Made once for the whole process; each request has its own part. */
export interface Loader<Key, Value> {
  /**
   * The value of a key. Within a request each key is asked for once, unless it failed; outside of one,
   * keys are only gathered, and nothing is kept.
   *
   * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID when the key is no plain data, or when the
   * batch function did not answer every key
   */
  load(key: Key, options?: { signal?: AbortSignal | undefined }): Promise<Value>
  /** The values of several keys, in their order; rejects with the first error. */
  loadMany(keys: readonly Key[], options?: { signal?: AbortSignal | undefined }): Promise<Value[]>
  /** Gives this request a value that is known already. Outside of a request it does nothing. */
  prime(key: Key, value: Value): void
  /** Forgets a key in this request, after a write. A query under way is not used for it any more. */
  clear(key: Key): void
  /** Forgets all keys in this request. */
  clearAll(): void
}

/**
 * Makes a loader: whoever asks for a key while others ask, in the same request, shares a query with
 * them, also when each waits for one key after the other.
 *
 * @param batch - answers many keys at once; `loadBy` makes one for a column of a table
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createLoader } from 'hotpath/postgres'
 *
 * const votes = createLoader(async (ids: readonly number[], { signal }) => {
 *   const { rows } = await pool.query({
 *     text: 'select post_id, count(*)::int as n from votes where post_id = any($1) group by post_id',
 *     values: [ids],
 *     signal,
 *   })
 *   const counts = new Map(rows.map((row) => [row.post_id, row.n]))
 *   return ids.map((id) => counts.get(id) ?? 0)
 * })
 *
 * for (const post of posts) post.votes = await votes.load(post.id)
 * ```
 */
export function createLoader<Key, Value>(
  batch: BatchFunction<Key, Value>,
  options: LoaderOptions = {},
): Loader<Key, Value> {
  const resolved = resolveLoaderOptions(batch, options)
  const outside = new LoaderScope(batch, resolved, false)
  const scopes = new WeakMap<RequestContext, LoaderScope<Key, Value>>()
  wantRequestContext()

  function scope(): LoaderScope<Key, Value> {
    const request = requestContext()
    if (request === undefined) return outside
    let found = scopes.get(request)
    if (found === undefined) {
      found = new LoaderScope(batch, resolved, true)
      scopes.set(request, found)
    }
    return found
  }

  return {
    load: (key, { signal } = {}) => scope().load(key, signal),
    loadMany(keys, { signal } = {}) {
      const here = scope()
      return Promise.all(keys.map((key) => here.load(key, signal)))
    },
    prime(key, value) {
      if (requestContext() !== undefined) scope().prime(key, value)
    },
    clear: (key) => scope().clear(key),
    clearAll: () => scope().clearAll(),
  }
}
