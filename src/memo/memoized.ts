import { invalid } from '../core/index.ts'
import { memoize, type AnyFunction } from './memoize.ts'
import { resolveMemoizeOptions, type MemoizeOptions } from './options.ts'

/** How {@link memoized} keeps results: as `memoize` does, for each instance by itself. */
export type MemoizedOptions<Args extends readonly unknown[] = readonly unknown[]> = Omit<
  MemoizeOptions<Args>,
  'name'
>

/**
 * Memoises a method. Every instance has results of its own, within bounds of its own; they go when
 * the instance goes. A standard decorator (not TypeScript's `experimentalDecorators`).
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID; from a call whose arguments have no stable key,
 * HOTPATH_MEMO_KEY_INVALID
 *
 * @example
 * ```ts
 * import { memoized } from 'hotpath/memo'
 *
 * class Prices {
 *   @memoized({ maxEntries: 500, ttlMs: 60_000 })
 *   async of(articleId: number) {
 *     return fetchPrice(articleId)
 *   }
 * }
 * ```
 */
export function memoized<F extends AnyFunction>(options: MemoizedOptions<Parameters<F>> = {}) {
  if ('name' in options) invalid('name', 'left out: there is one cache for each instance', options)
  // Now, and not at the first call.
  resolveMemoizeOptions(options)

  return (method: F, context: ClassMethodDecoratorContext): F => {
    if (context.kind !== 'method') invalid('@memoized', 'put on a method', context.kind)
    const byInstance = new WeakMap<object, AnyFunction>()

    function memo(this: unknown, ...args: unknown[]): unknown {
      if (!isObject(this)) return refuseDetached(context)
      let own = byInstance.get(this)
      if (own === undefined) {
        own = memoize(method, options)
        byInstance.set(this, own)
      }
      return Reflect.apply(own, this, args)
    }
    Object.defineProperty(memo, 'name', { value: String(context.name), configurable: true })
    return memo as unknown as F
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function refuseDetached({ name }: ClassMethodDecoratorContext): never {
  throw new TypeError(
    `${String(name)} is memoised for each instance and was called without one: call it on its ` +
      'instance, or pass (...args) => instance.method(...args)',
  )
}
