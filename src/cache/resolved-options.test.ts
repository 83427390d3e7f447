import { expect, test } from 'vitest'
import type { RedisLike } from '../core/index.ts'
import { resolveCacheOptions } from './resolved-options.ts'

// Nothing is asked of it here.
const redis = {} as RedisLike

test('with Redis, memory is on, a lease and a bus are taken, and values are cloned', () => {
  const { memory, redis: resolved } = resolveCacheOptions({ name: 'users', redis })
  expect(memory).toEqual({ maxEntries: 10_000, maxBytes: undefined })
  expect(resolved).toEqual({
    redis,
    namespace: 'hotpath:users',
    timeoutMs: 50,
    leaseMs: 5_000,
    busLostMs: 1_000,
    bus: true,
    serializer: 'clone',
    compressMinBytes: false,
  })
})

test('the version of the schema is part of every key', () => {
  const namespaceOf = (options: object) =>
    resolveCacheOptions({ name: 'users', redis, ...options }).redis?.namespace
  expect(namespaceOf({ schemaVersion: 2 })).toBe('hotpath:users@2')
  expect(namespaceOf({ schemaVersion: '2026-11', namespace: 'shop' })).toBe('shop@2026-11')
})

test('switches off what can be switched off, and passes on the bounds', () => {
  const { memory, redis: resolved } = resolveCacheOptions({
    name: 'users',
    redis,
    memory: { maxEntries: 5, busLostMs: 3_000 },
    leaseMs: false,
    bus: false,
    serializer: 'json',
    compressMinBytes: 1_024,
  })
  expect(memory).toMatchObject({ maxEntries: 5 })
  expect(resolved).toMatchObject({ busLostMs: 3_000, leaseMs: false, bus: false })
  expect(resolved).toMatchObject({ serializer: 'json', compressMinBytes: 1_024 })
  expect(resolveCacheOptions({ name: 'users', redis, memory: false }).memory).toBe(false)
})

test.each([
  [{ schemaVersion: '' }, 'schemaVersion must be'],
  [{ schemaVersion: Number.NaN }, 'schemaVersion must be'],
  [{ leaseMs: 0 }, 'leaseMs must be'],
  [{ bus: 'no' }, 'bus must be'],
  [{ serializer: 'yaml' }, 'serializer must be'],
  [{ compressMinBytes: 0.5 }, 'compressMinBytes must be'],
])('refuses %o', (options, message) => {
  expect(() => resolveCacheOptions({ name: 'users', redis, ...(options as object) })).toThrow(
    message,
  )
})
