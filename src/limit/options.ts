import {
  HotpathError,
  invalid,
  knownOptions,
  nonEmptyString,
  positiveInteger,
  systemClock,
  timerMs,
  type Clock,
  type RedisLike,
} from '../core/index.ts'

/** Options of `createLimiter`. */
export interface LimiterOptions {
  /**
   * Names the limiter in statistics and events, and in Redis: there, processes that give the same
   * name share what they count.
   *
   * @defaultValue 'limiter'
   */
  name?: string | undefined
  /**
   * For how many keys with something to pay off there is to be room. The memory, 10.4 bytes for each
   * of them and policy, is reserved once; what the system gives for it grows with the keys that come.
   * Beyond it the keys that owe least are forgotten first. With Redis, this is the memory of decisions
   * without it.
   *
   * @defaultValue 1_000_000
   */
  maxKeys?: number | undefined
  /** @defaultValue the system's */
  clock?: Clock | undefined
}

/** Options of a limiter that several processes share. */
export interface RedisLimiterOptions extends LimiterOptions {
  /** `fromNodeRedis(client)` or `fromIoredis(client)`. */
  redis: RedisLike
  /**
   * How a use is decided about while Redis does not answer. `local`: by what this process has let
   * through, at the limit divided by the number of processes that Redis last knew of.
   *
   * @defaultValue 'local'
   */
  onStoreError?: 'local' | 'allow' | 'deny' | undefined
  /**
   * How long a decision waits for Redis; after the first that waited in vain, none waits until Redis
   * answers again.
   *
   * @defaultValue 20
   */
  redisTimeoutMs?: number | undefined
}

export interface ResolvedLimiterOptions {
  readonly name: string
  readonly maxKeys: number
  readonly clock: Clock
  readonly redis: RedisLike | undefined
  readonly onStoreError: 'local' | 'allow' | 'deny'
  readonly timeoutMs: number
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveLimiterOptions(
  options: LimiterOptions & Partial<RedisLimiterOptions>,
): ResolvedLimiterOptions {
  knownOptions('createLimiter', options, [
    'name',
    'maxKeys',
    'clock',
    'redis',
    'onStoreError',
    'redisTimeoutMs',
  ])
  const { name = 'limiter', maxKeys = 1_000_000, clock = systemClock } = options
  const { redis, onStoreError = 'local', redisTimeoutMs = 20 } = options
  if (redis === undefined && (options.onStoreError ?? options.redisTimeoutMs) !== undefined) {
    throw new HotpathError(
      'HOTPATH_OPTION_INVALID',
      'onStoreError and redisTimeoutMs are about Redis: give the limiter one, or leave them out',
    )
  }
  if (redis !== undefined && typeof redis?.runScript !== 'function') {
    invalid('redis', 'what fromNodeRedis or fromIoredis makes of a client', redis)
  }
  if (!['local', 'allow', 'deny'].includes(onStoreError)) {
    invalid('onStoreError', "'local', 'allow' or 'deny'", onStoreError)
  }
  return {
    name: nonEmptyString('name', name),
    maxKeys: positiveInteger('maxKeys', maxKeys),
    clock,
    redis,
    onStoreError,
    timeoutMs: timerMs('redisTimeoutMs', redisTimeoutMs),
  }
}
