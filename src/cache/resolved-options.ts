import {
  HotpathError,
  invalid,
  knownOptions,
  nonEmptyString,
  positiveInteger,
  positiveMs,
  systemClock,
  timerMs,
  timerMsOrOff,
  type Clock,
  type RedisLike,
} from '../core/index.ts'
import type { CacheMemoryOptions, CacheOptions, Serializer } from './options.ts'

export interface ResolvedMemoryOptions {
  readonly maxEntries: number
  readonly maxBytes: number | undefined
}

/** How values are kept and loaded where a call does not say. */
export interface ResolvedKeeping {
  readonly ttlMs: number
  readonly negativeTtlMs: number
  readonly staleMs: number | false
  readonly staleIfErrorMs: number | false
  readonly ttlJitterRatio: number
  readonly softTimeoutMs: number | false
  readonly hardTimeoutMs: number | false
}

/** The tier in Redis, as {@link CacheOptions} ask for it. */
export interface ResolvedRedisOptions {
  readonly redis: RedisLike
  readonly namespace: string
  readonly timeoutMs: number
  readonly leaseMs: number | false
  readonly busLostMs: number
  readonly bus: boolean
  readonly serializer: Serializer
  readonly compressMinBytes: number | false
}

export interface ResolvedCacheOptions {
  readonly name: string
  readonly memory: ResolvedMemoryOptions | false
  readonly redis: ResolvedRedisOptions | undefined
  readonly keeping: ResolvedKeeping
  readonly earlyRefresh: number | false
  readonly clock: Clock
}

const defaultTtlMs = 3_600_000
const defaultNegativeTtlMs = 60_000
const defaultBusLostMs = 1_000

export function resolveCacheOptions(options: CacheOptions): ResolvedCacheOptions {
  knownOptions('createCache', options, [
    'name',
    'memory',
    'ttlMs',
    'negativeTtlMs',
    'staleMs',
    'staleIfErrorMs',
    'ttlJitterRatio',
    'earlyRefresh',
    'softTimeoutMs',
    'hardTimeoutMs',
    'redis',
    'namespace',
    'schemaVersion',
    'redisTimeoutMs',
    'serializer',
    'compressMinBytes',
    'leaseMs',
    'bus',
    'clock',
  ])
  const { redis, memory = {} } = options
  if (memory === false && redis === undefined) {
    invalid('memory', 'on where there is no `redis`: a cache needs at least one of the two', false)
  }
  if (redis !== undefined && options.name === undefined && options.namespace === undefined) {
    throw new HotpathError(
      'HOTPATH_OPTION_INVALID',
      'a cache with `redis` needs a `name`, which its keys in Redis start with: ' +
        'two caches without one would read each other’s values',
    )
  }
  const name = nonEmptyString('name', options.name ?? 'cache')
  return {
    name,
    memory: resolveMemory(memory),
    redis: redis === undefined ? undefined : resolveRedis(redis, name, options),
    keeping: resolveKeeping(options),
    earlyRefresh: resolveEarlyRefresh(options.earlyRefresh ?? false),
    clock: options.clock ?? systemClock,
  }
}

function resolveMemory(memory: CacheMemoryOptions | false): ResolvedMemoryOptions | false {
  if (memory === false) return false
  knownOptions('memory', memory, ['maxEntries', 'maxBytes', 'busLostMs'])
  const { maxEntries = 10_000, maxBytes, busLostMs = defaultBusLostMs } = memory
  timerMs('memory.busLostMs', busLostMs)
  return {
    maxEntries: positiveInteger('memory.maxEntries', maxEntries),
    maxBytes: maxBytes === undefined ? undefined : positiveInteger('memory.maxBytes', maxBytes),
  }
}

function resolveKeeping(options: CacheOptions): ResolvedKeeping {
  const ttlMs = positiveMs('ttlMs', options.ttlMs ?? defaultTtlMs)
  const { negativeTtlMs = Math.min(ttlMs, defaultNegativeTtlMs), ttlJitterRatio = 0 } = options
  if (!(ttlJitterRatio >= 0 && ttlJitterRatio <= 1)) {
    invalid('ttlJitterRatio', 'a share from 0 to 1', ttlJitterRatio)
  }
  const staleIfErrorMs = staleMsOrOff('staleIfErrorMs', options.staleIfErrorMs ?? false)
  const { softTimeoutMs = false, hardTimeoutMs = false } = options
  checkTimeouts({ softTimeoutMs, hardTimeoutMs, staleIfErrorMs })
  return {
    ttlMs,
    negativeTtlMs: positiveMs('negativeTtlMs', negativeTtlMs),
    staleMs: staleMsOrOff('staleMs', options.staleMs ?? false),
    staleIfErrorMs,
    ttlJitterRatio,
    softTimeoutMs,
    hardTimeoutMs,
  }
}

/** A time after the TTL: it may be 0, which is no time at all, as in the directives of RFC 5861. */
export function staleMsOrOff(name: string, value: number | false): number | false {
  return value === false || value === 0 ? false : positiveMs(name, value)
}

/** @throws HotpathError HOTPATH_OPTION_INVALID for a limit that is none, or that could never act. */
export function checkTimeouts({
  softTimeoutMs,
  hardTimeoutMs,
  staleIfErrorMs,
}: Pick<ResolvedKeeping, 'softTimeoutMs' | 'hardTimeoutMs' | 'staleIfErrorMs'>): void {
  timerMsOrOff('softTimeoutMs', softTimeoutMs)
  timerMsOrOff('hardTimeoutMs', hardTimeoutMs)
  if (softTimeoutMs === false) return
  if (staleIfErrorMs === false) {
    throw new HotpathError(
      'HOTPATH_OPTION_INVALID',
      'softTimeoutMs serves the values that staleIfErrorMs keeps, and staleIfErrorMs is off: ' +
        'set it too, or use hardTimeoutMs',
    )
  }
  if (hardTimeoutMs !== false && hardTimeoutMs < softTimeoutMs) {
    invalid('hardTimeoutMs', `at least softTimeoutMs, which is ${softTimeoutMs}`, hardTimeoutMs)
  }
}

function resolveEarlyRefresh(beta: number | false): number | false {
  if (beta !== false && !(beta > 0 && Number.isFinite(beta))) {
    invalid('earlyRefresh', 'a number above 0 or false', beta)
  }
  return beta
}

function resolveRedis(redis: RedisLike, name: string, options: CacheOptions): ResolvedRedisOptions {
  const { memory, schemaVersion, serializer = 'clone', bus = true } = options
  const { compressMinBytes = false, leaseMs = 5_000 } = options
  if (serializer !== 'clone' && serializer !== 'json') {
    invalid('serializer', "'clone' or 'json'", serializer)
  }
  if (typeof bus !== 'boolean') invalid('bus', 'true or false', bus)
  const namespace = nonEmptyString('namespace', options.namespace ?? `hotpath:${name}`)
  const { busLostMs = defaultBusLostMs } = memory === false ? {} : (memory ?? {})
  return {
    redis,
    namespace: schemaVersion === undefined ? namespace : versioned(namespace, schemaVersion),
    timeoutMs: timerMs('redisTimeoutMs', options.redisTimeoutMs ?? 50),
    leaseMs: timerMsOrOff('leaseMs', leaseMs),
    busLostMs,
    bus,
    serializer,
    compressMinBytes:
      compressMinBytes === false ? false : positiveInteger('compressMinBytes', compressMinBytes),
  }
}

function versioned(namespace: string, version: number | string): string {
  if (typeof version !== 'number') nonEmptyString('schemaVersion', version)
  else if (!Number.isFinite(version)) invalid('schemaVersion', 'a finite number', version)
  return `${namespace}@${version}`
}
