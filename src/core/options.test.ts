import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HotpathError } from './errors.ts'
import {
  knownOptions,
  maxTimerMs,
  nonEmptyString,
  nonNegativeInteger,
  positiveInteger,
  positiveMs,
  timerMs,
  timerMsOrOff,
} from './options.ts'

const isWhole = (value: unknown) => typeof value === 'number' && Number.isSafeInteger(value)
const isAboveZero = (value: unknown) => typeof value === 'number' && value > 0 && value < Infinity

describe.each<[string, (name: string, value: never) => unknown, (value: unknown) => boolean]>([
  ['positiveInteger', positiveInteger, (value) => isWhole(value) && Number(value) >= 1],
  ['nonNegativeInteger', nonNegativeInteger, (value) => isWhole(value) && Number(value) >= 0],
  ['positiveMs', positiveMs, isAboveZero],
  ['timerMs', timerMs, (value) => isAboveZero(value) && Number(value) <= maxTimerMs],
  [
    'timerMsOrOff',
    timerMsOrOff,
    (value) => value === false || (isAboveZero(value) && Number(value) <= maxTimerMs),
  ],
  ['nonEmptyString', nonEmptyString, (value) => typeof value === 'string' && value !== ''],
])('%s', (_, check, isGood) => {
  test('returns what is good and refuses the rest, by name', () => {
    const values = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.string(),
      fc.constantFrom<unknown>(
        0,
        -0,
        1,
        maxTimerMs,
        maxTimerMs + 1,
        2 ** 53,
        '7',
        null,
        true,
        false,
      ),
      fc.anything(),
    )
    fc.assert(
      fc.property(values, (value) => {
        if (isGood(value)) expect(check('size', value as never)).toBe(value)
        else expect(() => check('size', value as never)).toThrow(/^size must be /)
      }),
    )
  })
})

describe('a refusal', () => {
  test('says what came instead, in a few words', () => {
    const refused = () => positiveInteger('maxEntries', { deep: { deeper: 'x' } } as never)
    expect(refused).toThrow(
      'maxEntries must be a whole number of at least 1, not { deep: [Object] }',
    )
    expect(refused).toThrow(HotpathError)
    expect(() => nonEmptyString('name', '')).toThrow("name must be a non-empty string, not ''")
    expect(() => timerMs('idleMs', 2 ** 31)).toThrow('idleMs must be at most 2147483647 ms')
  })
})

describe('knownOptions', () => {
  test('accepts options that are known, and those left undefined', () => {
    expect(() => knownOptions('a cache', { ttlMs: undefined }, ['ttlMs', 'name'])).not.toThrow()
  })

  test('refuses a misspelt option and names the right ones', () => {
    expect(() => knownOptions('a cache', { ttlMS: 1 }, ['ttlMs', 'name'])).toThrow(
      "a cache has no option 'ttlMS'; it knows ttlMs, name",
    )
  })

  test.each([[null], ['ttlMs'], [7]])('refuses %j in place of an object', (options) => {
    expect(() => knownOptions('a cache', options as never, ['ttlMs'])).toThrow(
      'a cache must be an options object',
    )
  })
})
