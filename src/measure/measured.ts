import { invalid } from '../core/index.ts'
import { measure, type AnyFunction } from './measure.ts'
import type { MeasureOptions } from './options.ts'

/**
 * Measures a method, as {@link measure} does a function: of all instances together, in
 * `components()` under `name`. A standard decorator (not TypeScript's `experimentalDecorators`).
 *
 * @param options.name defaults to the method's name; `Invoices.render` is a better one
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { measured } from 'hotpath/measure'
 *
 * class Invoices {
 *   @measured({ name: 'Invoices.render' })
 *   async render(invoice: Invoice) {
 *     return toPdf(invoice)
 *   }
 * }
 * ```
 */
export function measured(
  options: MeasureOptions = {},
): <F extends AnyFunction>(method: F, context: ClassMethodDecoratorContext) => F {
  return (method, context) => {
    if (context.kind !== 'method') invalid('@measured', 'put on a method', context.kind)
    return measure(method, { ...options, name: options.name ?? String(context.name) })
  }
}
