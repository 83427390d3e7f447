import { isPromise } from 'node:util/types'
import { invalid, register } from '../core/index.ts'
import { ResultStore, type MemoStats } from './result-store.ts'
import { absent } from './slot-store.ts'
import type { CallKey } from './store-key.ts'
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
  const { key, name, ...bounds } = resolveMemoizeOptions(options)
  const results = new ResultStore(bounds)
  const { calls } = results
  if (name !== undefined) register('memo', name, () => results.stats())

  const reach =
    key === undefined
      ? (_self: unknown, args: readonly unknown[]) => calls.reach(args)
      : (self: unknown, args: readonly unknown[]) => calls.reach([Reflect.apply(key, self, args)])

  function memo(this: unknown, ...args: unknown[]): unknown {
    const call = reach(this, args)
    const slot = results.find(call)
    if (slot !== absent) return results.at(slot)
    return results.flight(call) ?? run(call, this, args)
  }

  function run(call: CallKey, self: unknown, args: unknown[]): unknown {
    if (typeof call !== 'object') return settle(call, Reflect.apply(fn, self, args))
    calls.hold(call)
    try {
      return settle(call, Reflect.apply(fn, self, args))
    } finally {
      calls.release(call)
    }
  }

  function settle(call: CallKey, result: unknown): unknown {
    if (typeof result === 'object' && isPromise(result)) results.follow(call, result)
    else results.keep(call, result)
    return result
  }

  Object.defineProperties(memo, {
    name: { value: fn.name, configurable: true },
    length: { value: fn.length, configurable: true },
  })
  return Object.assign(memo, {
    stats: () => results.stats(),
    delete(this: unknown, ...args: unknown[]) {
      const call = calls.find(key === undefined ? args : [Reflect.apply(key, this, args)])
      return call !== undefined && results.delete(call)
    },
    clear: () => results.clear(),
  }) as unknown as Memoized<F>
}
