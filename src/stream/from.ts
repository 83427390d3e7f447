import type { Source } from '../core/index.ts'
import { gatherRows } from './gather-rows.ts'
import { Pipeline } from './pipeline.ts'

/**
 * A pipeline of the rows of any iterable or async iterable: an array, a generator, `pool.copyFrom`,
 * the pages of an API. Rows that are ready travel together, and none waits for those after it.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID when it is run, where nothing can be iterated
 *
 * @example
 * ```ts
 * const names = await from(users).filter((user) => user.isActive).map((user) => user.name).toArray()
 * ```
 */
export function from<T>(source: Source<T>): Pipeline<T> {
  return new Pipeline((run) => gatherRows(source, run))
}
