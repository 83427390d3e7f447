import { AssertionError } from 'node:assert'
import { requestContext, runInRequest } from '../../core/index.ts'
import { describeRepeatedQuery } from './description.ts'
import { findRepeatedQueries, type RepeatedQueryOptions } from './repeated-queries.ts'

const maxTraceEntries = 10_000

/**
 * Runs `work` and fails when it asked a query once for each row of another. For any test runner: it
 * rejects with an `AssertionError` whose message names the lines and what to write instead. Queries
 * of plain `pg` are seen after `traceQueries(pg)`.
 *
 * @returns what `work` returned
 * @throws AssertionError
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * test('a page of posts asks few queries', async () => {
 *   await expectNoRepeatedQueries(() => showPosts(pool))
 * })
 * ```
 */
export async function expectNoRepeatedQueries<T>(
  work: () => T | Promise<T>,
  options: RepeatedQueryOptions = {},
): Promise<T> {
  const route = requestContext()?.route ?? 'expectNoRepeatedQueries'
  return runInRequest({ route, maxTraceEntries }, async () => {
    const result = await work()
    const found = await findRepeatedQueries(requestContext(), options)
    if (found.length > 0)
      throw new AssertionError({
        message: found.map(describeRepeatedQuery).join('\n\n'),
        stackStartFn: expectNoRepeatedQueries,
      })
    return result
  })
}
