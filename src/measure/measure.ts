import { isGeneratorObject, isPromise } from 'node:util/types'
import { invalid, register } from '../core/index.ts'
import { CallRecord, type MeasureStats } from './call-record.ts'
import { followGenerator, type AnyGenerator } from './follow-generator.ts'
import { followPromise } from './follow-promise.ts'
import { resolveMeasureOptions, type MeasureOptions } from './options.ts'

/** A function that can be measured. */
export type AnyFunction = (this: never, ...args: never[]) => unknown

/** The function, and what can be asked of its figures. */
export type Measured<F extends AnyFunction> = F & {
  /** A snapshot of the figures. */
  stats(): MeasureStats
  /** Begins anew. Calls that are under way count when they end. */
  reset(): void
}

/**
 * Measures every call of a function: how long it took, whether it failed and, by samples, CPU time,
 * memory and event-loop utilisation. Synchronous functions are measured until they return, those
 * that return a promise until it settles, generators and async generators over all their steps.
 *
 * `this`, arguments, results and errors pass as they are; of a promise, a promise with the same
 * outcome is handed on. Other objects with a `then`, such as query builders, are not touched: they
 * may start their work when it is called.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { measure } from 'hotpath/measure'
 *
 * const render = measure(renderInvoice, { name: 'render-invoice' })
 * await render(invoice)
 * console.log(render.stats().duration.p99Ms)
 * ```
 */
export function measure<F extends AnyFunction>(fn: F, options: MeasureOptions = {}): Measured<F> {
  if (typeof fn !== 'function') invalid('fn', 'a function', fn)
  const resolved = resolveMeasureOptions(options, fn.name)
  const record = new CallRecord(resolved)
  if (resolved.isRegistered) register('function', resolved.name, () => record.stats())

  function measured(this: unknown, ...args: unknown[]): unknown {
    if (!record.isWanted) return Reflect.apply(fn, this, args)
    const sample = record.begin()
    const startMs = performance.now()
    let result: unknown
    try {
      result = Reflect.apply(fn, this, args)
    } catch (error) {
      record.end(performance.now() - startMs, sample?.ofCall(), true, error)
      throw error
    }
    if (typeof result === 'object' && result !== null) {
      if (isPromise(result)) return followPromise(result, record, sample, startMs)
      if (isGeneratorObject(result)) {
        return followGenerator(result as unknown as AnyGenerator, record, sample)
      }
    }
    record.end(performance.now() - startMs, sample?.ofCall(), false, undefined)
    return result
  }

  Object.defineProperties(measured, {
    name: { value: fn.name, configurable: true },
    length: { value: fn.length, configurable: true },
    // For functions of the old kind that are called with `new`.
    prototype: { value: fn.prototype as unknown },
  })
  return Object.assign(measured, {
    stats: () => record.stats(),
    reset: () => record.reset(),
  }) as unknown as Measured<F>
}
