import { describe, expect, test } from 'vitest'
import { resolveClientConfig, resolvePoolOptions, type PoolOptions } from './options.ts'

test('the defaults are those of the documentation', () => {
  const { clock: _, ...defaults } = resolvePoolOptions({})
  expect(defaults).toEqual({
    name: 'postgres',
    minConnections: 5,
    maxConnections: 10,
    maxPipelined: 32,
    maxWaiting: 10_000,
    acquireTimeoutMs: 5_000,
    commandTimeoutMs: 30_000,
    maxQueriesPerConnection: 50_000,
    maxIdleMs: 300_000,
    checkAfterIdleMs: 500,
    maxLifetimeMs: 1_800_000,
    maxStatements: 256,
    leakDetectionMs: false,
    drainTimeoutMs: 10_000,
  })
  expect(resolvePoolOptions({ maxConnections: undefined })).toMatchObject({ maxConnections: 10 })
})

describe('refused', () => {
  test.each<[string, PoolOptions]>([
    ['maxConnections', { maxConnections: 0 }],
    ['maxConnections', { maxConnections: 2.5 }],
    ['minConnections', { minConnections: -1 }],
    ['minConnections', { minConnections: 11 }],
    ['acquireTimeoutMs', { acquireTimeoutMs: Number.NaN }],
    ['acquireTimeoutMs', { acquireTimeoutMs: 2 ** 31 }],
    ['commandTimeoutMs', { commandTimeoutMs: 0 }],
    ['checkAfterIdleMs', { checkAfterIdleMs: 0 }],
    ['maxStatements', { maxStatements: 0 }],
    ['name', { name: '' }],
    ["'max'", { max: 5 } as PoolOptions],
  ])('%s', (name, options) => {
    expect(() => resolvePoolOptions(options)).toThrow(
      expect.objectContaining({
        code: 'HOTPATH_OPTION_INVALID',
        message: expect.stringContaining(name),
      }),
    )
  })

  test("pg.Pool's own options, with the name that they have here", () => {
    const config = { host: 'localhost', idleTimeoutMillis: 10 }
    expect(() => resolveClientConfig(config)).toThrow(/maxIdleMs/)
  })

  test('a target that is none', () => {
    expect(() => resolveClientConfig(undefined as unknown as string)).toThrow(/createPool/)
  })
})
