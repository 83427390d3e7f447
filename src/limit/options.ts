import {
  knownOptions,
  nonEmptyString,
  positiveInteger,
  systemClock,
  type Clock,
} from '../core/index.ts'

/** Options of `createLimiter`. */
export interface LimiterOptions {
  /**
   * Names the limiter in statistics and events.
   *
   * @defaultValue 'limiter'
   */
  name?: string | undefined
  /**
   * For how many keys with something to pay off there is to be room. The memory, 11.5 bytes for each
   * of them and policy, is reserved once; what the system gives for it grows with the keys that come.
   * Beyond it the keys that owe least are forgotten first.
   *
   * @defaultValue 1_000_000
   */
  maxKeys?: number | undefined
  /** @defaultValue the system's */
  clock?: Clock | undefined
}

export interface ResolvedLimiterOptions {
  readonly name: string
  readonly maxKeys: number
  readonly clock: Clock
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveLimiterOptions(options: LimiterOptions): ResolvedLimiterOptions {
  knownOptions('createLimiter', options, ['name', 'maxKeys', 'clock'])
  const { name = 'limiter', maxKeys = 1_000_000, clock = systemClock } = options
  return {
    name: nonEmptyString('name', name),
    maxKeys: positiveInteger('maxKeys', maxKeys),
    clock,
  }
}
