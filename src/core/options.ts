import { inspect } from 'node:util'
import { HotpathError } from './errors.ts'

// Checks for `resolveXOptions`: each returns the value it was given, or throws
// HOTPATH_OPTION_INVALID with the option's name, what it must be, and what came instead.
// `undefined` never reaches them: a missing option takes its default before it is checked.

/** A whole number of at least 1: counts and sizes. */
export function positiveInteger(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    invalid(name, 'a whole number of at least 1', value)
  return value
}

/** A whole number of at least 0. */
export function nonNegativeInteger(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    invalid(name, 'a whole number of at least 0', value)
  return value
}

/** The longest duration that Node's timers keep: about 24.8 days. A longer one would fire at once. */
export const maxTimerMs: number = 2 ** 31 - 1

/** A duration in milliseconds, above 0. It may be a fraction, and longer than a timer can wait. */
export function positiveMs(name: string, value: number): number {
  if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
    invalid(name, 'a duration in milliseconds above 0', value)
  }
  return value
}

/** A duration in milliseconds that a timer waits for: above 0, at most {@link maxTimerMs}. */
export function timerMs(name: string, value: number): number {
  if (positiveMs(name, value) > maxTimerMs) {
    invalid(name, `at most ${maxTimerMs} ms (24.8 days), the longest that a timer can wait`, value)
  }
  return value
}

/** A duration that may be switched off with `false`. */
export function timerMsOrOff(name: string, value: number | false): number | false {
  return value === false ? false : timerMs(name, value)
}

/** A text of at least one character. */
export function nonEmptyString(name: string, value: string): string {
  if (typeof value !== 'string' || value === '') invalid(name, 'a non-empty string', value)
  return value
}

/**
 * Refuses options that nobody reads: a misspelt name would otherwise be a default in disguise.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 */
export function knownOptions(owner: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) invalid(owner, 'an options object', options)
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      throw new HotpathError(
        'HOTPATH_OPTION_INVALID',
        `${owner} has no option ${inspect(name)}; it knows ${names.join(', ')}`,
      )
    }
  }
}

/** @throws HotpathError HOTPATH_OPTION_INVALID, always. */
export function invalid(name: string, expected: string, value: unknown): never {
  throw new HotpathError(
    'HOTPATH_OPTION_INVALID',
    `${name} must be ${expected}, not ${inspect(value, { depth: 0, maxStringLength: 60 })}`,
  )
}
