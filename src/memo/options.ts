import {
  invalid,
  knownOptions,
  nonEmptyString,
  positiveInteger,
  positiveMs,
  systemClock,
  type Clock,
} from '../core/index.ts'

/** How {@link memoize} keeps results. */
export interface MemoizeOptions<Args extends readonly unknown[] = readonly unknown[]> {
  /**
   * Results kept at once. What is asked for least makes room (S3-FIFO).
   *
   * @defaultValue 1_000
   */
  maxEntries?: number | undefined
  /**
   * Bound on the bytes of keys and results together, as near as they can be told: binary data
   * exactly, objects by a walk over them when they are kept. A result larger than the bound is not
   * kept. Without it only `maxEntries` counts and nothing is measured.
   */
  maxBytes?: number | undefined
  /**
   * How long a result is kept, in milliseconds, from when it is there. While the event loop is
   * blocked, time stands still.
   *
   * @defaultValue as long as there is room
   */
  ttlMs?: number | undefined
  /**
   * What the result depends on: a primitive or plain data.
   *
   * @defaultValue all arguments: primitives by value, plain objects, arrays, `Date`, `Map`, `Set`
   * and bytes by content; `1` and `'1'` are told apart
   */
  key?: ((...args: Args) => unknown) | undefined
  /**
   * Shows the function under this name in `components()`, for as long as the process lives. Give it
   * to functions that are memoised once, not to those made anew for each request.
   */
  name?: string | undefined
  /** For tests. @defaultValue the system's clock */
  clock?: Clock | undefined
}

export interface ResolvedMemoizeOptions {
  readonly maxEntries: number
  readonly maxBytes: number | undefined
  readonly ttlMs: number | undefined
  readonly key: ((...args: never[]) => unknown) | undefined
  readonly name: string | undefined
  readonly clock: Clock
}

export function resolveMemoizeOptions<Args extends readonly unknown[]>(
  options: MemoizeOptions<Args>,
): ResolvedMemoizeOptions {
  knownOptions('memoize', options, ['maxEntries', 'maxBytes', 'ttlMs', 'key', 'name', 'clock'])
  const { maxEntries = 1_000, maxBytes, ttlMs, key, name, clock = systemClock } = options
  if (key !== undefined && typeof key !== 'function') invalid('key', 'a function', key)
  return {
    maxEntries: positiveInteger('maxEntries', maxEntries),
    maxBytes: maxBytes === undefined ? undefined : positiveInteger('maxBytes', maxBytes),
    ttlMs: ttlMs === undefined ? undefined : positiveMs('ttlMs', ttlMs),
    key,
    name: name === undefined ? undefined : nonEmptyString('name', name),
    clock,
  }
}
