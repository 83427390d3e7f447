type Report = (value: unknown) => void

let report: Report | undefined

/**
 * Called within a worker's function: tells whoever called it how far it has come, by the `onProgress`
 * of the call. Elsewhere it does nothing.
 *
 * @param value - what can be cloned
 *
 * @example
 * ```ts
 * import { reportProgress } from 'hotpath/workers'
 *
 * export function addUp(numbers: readonly number[]): number {
 *   let sum = 0
 *   for (const [at, number] of numbers.entries()) {
 *     sum += number
 *     if (at % 100_000 === 0) reportProgress(at / numbers.length)
 *   }
 *   return sum
 * }
 * ```
 */
export function reportProgress(value: unknown): void {
  report?.(value)
}

/** A thread runs one call at a time, so there is one that reports. */
export function reportTo(next: Report | undefined): void {
  report = next
}
