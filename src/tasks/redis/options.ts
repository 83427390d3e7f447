import { invalid, knownOptions, nonEmptyString, timerMs } from '../../core/index.ts'

/** How `redisEngine` works: with a `url`, or with a `client`. */
export interface RedisEngineOptions {
  /** `redis://` or `rediss://`. */
  url?: string | undefined
  /**
   * A client of `ioredis` to make connections like. It stays its maker's. It may have no `keyPrefix`.
   */
  client?: RedisTaskClient | undefined
  /**
   * What the keys begin with.
   *
   * @defaultValue `'hotpath-tasks'`
   */
  prefix?: string | undefined
  /**
   * Milliseconds that an attempt may go without a sign of life before another worker takes its task
   * over. The sign is given four times within it, so a handler that blocks the event loop for longer
   * loses its task.
   *
   * @defaultValue 6,000
   */
  leaseMs?: number | undefined
  /**
   * Milliseconds that Redis may take to answer; a call that waits for longer rejects.
   *
   * @defaultValue 5,000
   */
  commandTimeoutMs?: number | undefined
}

/** The part of a client of `ioredis` that the engine needs: it makes its own connections of it. */
export interface RedisTaskClient {
  duplicate(options: object): unknown
}

/** {@link RedisEngineOptions} with every default filled in and every value checked. */
export interface ResolvedRedisEngineOptions {
  readonly url: string | undefined
  readonly client: RedisTaskClient | undefined
  readonly prefix: string
  readonly leaseMs: number
  readonly commandTimeoutMs: number
}

export function resolveRedisEngineOptions(options: RedisEngineOptions): ResolvedRedisEngineOptions {
  const names = ['url', 'client', 'prefix', 'leaseMs', 'commandTimeoutMs']
  knownOptions('redisEngine', options, names)
  const { url, client, prefix = 'hotpath-tasks' } = options
  const { leaseMs = 6_000, commandTimeoutMs = 5_000 } = options
  if ((url === undefined) === (client === undefined)) {
    invalid('redisEngine', 'given a url or a client, one of them', options)
  }
  if (url !== undefined && (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol))) {
    invalid('url', 'a redis:// or rediss:// URL', url)
  }
  if (client !== undefined && typeof client.duplicate !== 'function') {
    invalid('client', 'a client of ioredis', client)
  }
  return {
    url,
    client,
    prefix: nonEmptyString('prefix', prefix),
    leaseMs: timerMs('leaseMs', leaseMs),
    commandTimeoutMs: timerMs('commandTimeoutMs', commandTimeoutMs),
  }
}
