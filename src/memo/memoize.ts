import { isPromise } from 'node:util/types'
import { invalid, register } from '../core/index.ts'
import { ResultStore, type MemoStats } from './result-store.ts'
import { resolveMemoizeOptions, type MemoizeOptions } from './options.ts'

/** A function that can be memoised. */
export type AnyFunction = (this: never, ...args: never[]) => unknown

/** The function, and what can be asked of its memory. */
export type Memoized<F extends AnyFunction> = F & {
  /** A snapshot of the counts. */
  stats(): MemoStats
  /**
   * Forgets the result of these arguments, also one that is still being made: those who wait for it
   * get it, and nobody else. False when there was nothing to forget.
   *
   * @throws HotpathError HOTPATH_MEMO_KEY_INVALID
   */
  delete(...args: Parameters<F>): boolean
  /** Forgets all results, also those still being made. The counts go on. */
  clear(): void
}

/**
 * Remembers the results of a pure function, within bounds. Calls of an async function that come
 * while the first of their key runs share its promise. What throws or rejects is not kept.
 *
 * Results are handed out as they are, not copied: whoever alters one alters it for all.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID; from a call whose arguments have no stable key,
 * HOTPATH_MEMO_KEY_INVALID
 *
 * @example
 * ```ts
 * import { memoize } from 'hotpath/memo'
 *
 * const distance = memoize(levenshtein, { maxEntries: 10_000 })
 * distance('kitten', 'sitting')
 * console.log(distance.stats().hitRatio)
 * ```
 */
export function memoize<F extends AnyFunction>(
  fn: F,
  options: MemoizeOptions<Parameters<F>> = {},
): Memoized<F> {
  if (typeof fn !== 'function') invalid('fn', 'a function', fn)
  const { keyOf, name, ...bounds } = resolveMemoizeOptions(options)
  const results = new ResultStore(bounds)
  if (name !== undefined) register('memo', name, () => results.stats())

  function memo(this: unknown, ...args: unknown[]): unknown {
    const key = keyOf(this, args)
    const kept = results.read(key)
    if (kept !== undefined) return kept.value
    const result = Reflect.apply(fn, this, args)
    if (typeof result === 'object' && isPromise(result)) results.follow(key, result)
    else results.keep(key, result)
    return result
  }

  Object.defineProperties(memo, {
    name: { value: fn.name, configurable: true },
    length: { value: fn.length, configurable: true },
  })
  return Object.assign(memo, {
    stats: () => results.stats(),
    delete(this: unknown, ...args: unknown[]) {
      return results.delete(keyOf(this, args))
    },
    clear: () => results.clear(),
  }) as unknown as Memoized<F>
}
