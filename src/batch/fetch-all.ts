import type { Source } from '../core/index.ts'
import type { Parse, Parsed } from './body.ts'
import { resolveFetchOptions, type FetchOptions } from './fetch-options.ts'
import type { FetchInput } from './fetch-request.ts'
import type { FetchResult } from './fetch-result.ts'
import { FetchRun } from './fetch-run.ts'
import { mapConcurrent, type ConcurrentMap } from './map-concurrent.ts'

/**
 * Fetches many addresses at once, over connections that are kept open and shared by all calls in the
 * process. A request that fails is a result like any other: one bad server spoils nobody else's answer.
 *
 * An array gives an array in the same order. Any other iterable gives an async iterable, which is read
 * with `for await` in constant memory: see {@link mapConcurrent}.
 *
 * A failed `parse`, a status other than 2xx and an answer that is too long are failures too. Bodies are
 * not decompressed; no `Accept-Encoding` is sent.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID; the signal's reason; what the source or `onProgress` threw.
 * The results' errors have HOTPATH_BATCH_REQUEST_INVALID, HOTPATH_BATCH_TIMEOUT,
 * HOTPATH_BATCH_CONNECTION_FAILED, HOTPATH_BATCH_STATUS, HOTPATH_BATCH_BODY_TOO_LARGE,
 * HOTPATH_BATCH_BODY_INVALID, HOTPATH_BATCH_REDIRECT_INVALID, HOTPATH_BATCH_ADDRESS_REFUSED.
 *
 * @example
 * ```ts
 * import { fetchAll } from 'hotpath/batch'
 *
 * const urls = ['https://api.example.com/users/1', 'https://api.example.com/users/2']
 * for (const result of await fetchAll(urls, { concurrency: 20, timeoutMs: 2_000 })) {
 *   if (result.ok) console.log(result.value)
 *   else console.warn(result.error)
 * }
 * ```
 */
export function fetchAll<P extends Parse<unknown> = 'json'>(
  requests: readonly FetchInput[],
  options?: FetchOptions<P>,
): Promise<FetchResult<Parsed<P>>[]>
export function fetchAll<P extends Parse<unknown> = 'json'>(
  requests: Source<FetchInput>,
  options?: FetchOptions<P>,
): ConcurrentMap<FetchResult<Parsed<P>>>
export function fetchAll(
  requests: readonly FetchInput[] | Source<FetchInput>,
  options: FetchOptions<Parse<unknown>> = {},
): Promise<FetchResult<unknown>[]> | ConcurrentMap<FetchResult<unknown>> {
  const resolved = resolveFetchOptions(options)
  const isArray = Array.isArray(requests)
  const start = (): ConcurrentMap<FetchResult<unknown>> => {
    const run = new FetchRun(resolved, isArray ? requests.length : undefined)
    const { signal, ordered } = resolved
    return mapConcurrent(requests, run.fetch, {
      concurrency: run.admittedCount,
      ordered: ordered || isArray,
      signal,
    })
  }
  if (isArray) return start().toArray()
  return {
    [Symbol.asyncIterator]: () => start()[Symbol.asyncIterator](),
    toArray: () => start().toArray(),
  }
}
