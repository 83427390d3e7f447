import { describe, expect, test } from 'vitest'
import { dividedPolicy, resolvePolicies, type PolicyInput } from './policy.ts'

test.each<[PolicyInput, object[]]>([
  ['100/minute', [{ name: '100/minute', limit: 100, windowMs: 60_000, burst: 100 }]],
  ['5/30 days', [{ name: '5/30 days', limit: 5, windowMs: 2_592_000_000 }]],
  ['1_000 / h', [{ name: '1000/hour', limit: 1_000, windowMs: 3_600_000 }]],
  ['7/250ms', [{ name: '7/250 ms', limit: 7, windowMs: 250 }]],
  ['10/second and 1000/hour', [{ limit: 10 }, { limit: 1_000 }]],
  ['10/s, 1000/h', [{ windowMs: 1_000 }, { windowMs: 3_600_000 }]],
  [{ limit: 3, windowMs: 1_000, burst: 1, name: 'spread' }, [{ name: 'spread', burst: 1 }]],
  [
    ['2/second', { limit: 9, windowMs: 60_000 }],
    [{ name: '2/second' }, { name: '9/minute' }],
  ],
  [{ limit: 1, windowMs: 315_360_000_000 }, [{ name: '1/10 years' }]],
])('%j is understood', (input, expected) => {
  expect(resolvePolicies(input)).toMatchObject(expected)
})

test.each<[PolicyInput, RegExp]>([
  ['100 per minute', /no rate limit policy/],
  ['100/fortnight', /"100\/fortnight" is none/],
  ['', /"" is none/],
  ['0/second', /limit must be a whole number from 1/],
  ['-1/second', /no rate limit policy/],
  ['1.5/second', /no rate limit policy/],
  [[], /there is none/],
  ['1/second and 1/second', /the same name/],
  [{ limit: Number.NaN, windowMs: 1 }, /limit must be/],
  [{ limit: 1, windowMs: 0 }, /windowMs must be/],
  [{ limit: 1, windowMs: 0.5 }, /windowMs must be/],
  [{ limit: 1, windowMs: 315_360_000_001 }, /windowMs must be/],
  [{ limit: 1, windowMs: 1, burst: 0 }, /burst must be/],
  [{ limit: 1_001, windowMs: 1 }, /more than a million uses a second/],
  [{ limit: 1, windowMs: 1, name: 'say "hi"' }, /name must be/],
  [{ limit: 1, windowMs: 1, name: '' }, /name must be/],
  [{ limit: 1, windowMs: 1, brust: 2 } as never, /no option 'brust'/],
])('%j is refused', (input, message) => {
  expect(() => resolvePolicies(input)).toThrow(message)
})

describe('the arithmetic', () => {
  test.each<PolicyInput>([
    '1/ms',
    '7/second',
    '100/minute',
    '999999/second',
    '5/30 days',
    '1000000000/10 years',
    { limit: 999_999_937, windowMs: 1_000_000 },
    { limit: 1, windowMs: 315_360_000_000, burst: 1_000_000_000 },
  ])('of %j is in whole numbers that fit', (input) => {
    for (const policy of resolvePolicies(input)) {
      const { useTicks, capacityTicks, ticksPerReading, readingsPerMicro } = policy
      expect(Number.isSafeInteger(useTicks) && useTicks >= 1).toBe(true)
      expect(capacityTicks).toBe(useTicks * policy.burst)
      expect(capacityTicks).toBeLessThan(2 ** 37)
      expect(Number.isSafeInteger(ticksPerReading)).toBe(true)
      const rate = (readingsPerMicro * ticksPerReading) / useTicks
      expect(rate).toBeCloseTo(policy.limit / (policy.windowMs * 1_000), 12)
    }
  })
})

test('a divided policy lets no more through than the whole one', () => {
  for (const text of ['100/minute', '1/second', '7/hour', '3/ms']) {
    const [whole] = resolvePolicies(text)
    if (whole === undefined) throw new Error('no policy')
    for (const parts of [1, 2, 3, 8, 50]) {
      const part = dividedPolicy(whole, parts)
      const rate = (part.limit / part.windowMs) * parts
      expect(rate).toBeLessThanOrEqual((whole.limit / whole.windowMs) * (1 + 1e-12))
      expect(part.burst).toBe(Math.max(1, Math.floor(whole.burst / parts)))
    }
  }
})
