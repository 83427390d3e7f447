import { describe, expect, test } from 'vitest'
import { components, createManualClock, listen } from '../core/index.ts'
import { createLimiter } from './limiter.ts'

describe('a limiter', () => {
  test('lets a burst through, and then one at a time', () => {
    const clock = createManualClock()
    const limiter = createLimiter('10/second', { clock })
    for (let left = 9; left >= 0; left--) {
      expect(limiter.take('a')).toMatchObject({ isAllowed: true, remaining: left, limit: 10 })
    }
    expect(limiter.take('a')).toEqual({
      isAllowed: false,
      policy: '10/second',
      limit: 10,
      remaining: 0,
      retryAfterMs: 100,
      resetMs: 1_000,
    })
    expect(limiter.take('b').isAllowed).toBe(true)
    clock.advance(99)
    expect(limiter.take('a')).toMatchObject({ isAllowed: false, retryAfterMs: 1 })
    clock.advance(1)
    expect(limiter.take('a').isAllowed).toBe(true)
    expect(limiter.take('a').isAllowed).toBe(false)
  })

  test('has no window at whose edge twice the limit gets through', () => {
    const clock = createManualClock()
    const limiter = createLimiter('100/second', { clock })
    let admitted = 0
    clock.advance(960)
    for (let at = 0; at < 81; at++, clock.advance(1)) {
      for (let use = 0; use < 10; use++) if (limiter.take('a').isAllowed) admitted++
    }
    expect(admitted).toBe(108)
  })

  test('charges several policies all or none', () => {
    const clock = createManualClock()
    const limiter = createLimiter('2/second and 3/hour', { clock })
    expect(limiter.take('a')).toMatchObject({ isAllowed: true, policy: '2/second', remaining: 1 })
    limiter.take('a')
    expect(limiter.take('a')).toMatchObject({ isAllowed: false, policy: '2/second' })
    clock.advance(1_000)
    // The refused use was not charged to the hour.
    expect(limiter.take('a')).toMatchObject({ isAllowed: true, policy: '3/hour', remaining: 0 })
    expect(limiter.take('a')).toMatchObject({
      isAllowed: false,
      policy: '3/hour',
      retryAfterMs: 1_199_000,
    })
  })

  test('weighs uses, and refuses for good what costs more than the burst', () => {
    const limiter = createLimiter('10/minute', { clock: createManualClock() })
    expect(limiter.take('a', 7)).toMatchObject({ isAllowed: true, remaining: 3 })
    expect(limiter.take('a', 4)).toMatchObject({
      isAllowed: false,
      remaining: 3,
      retryAfterMs: 6_000,
    })
    expect(limiter.take('a', 3)).toMatchObject({ isAllowed: true, remaining: 0 })
    expect(limiter.take('a', 11)).toMatchObject({ isAllowed: false, retryAfterMs: Infinity })
    expect(limiter.take('a', 0)).toMatchObject({ isAllowed: true, remaining: 0 })
  })

  test('peeks without a charge, and forgives', () => {
    const limiter = createLimiter('1/hour and 5/day', { clock: createManualClock() })
    expect(limiter.peek('a')).toMatchObject({ isAllowed: true, remaining: 1 })
    limiter.take('a')
    expect(limiter.peek('a').isAllowed).toBe(false)
    limiter.reset('a')
    expect(limiter.peek('a')).toMatchObject({ isAllowed: true, remaining: 1 })
    limiter.reset('never seen')
  })

  test.each([
    [undefined, 1],
    [7, 1],
    [null, 1],
    ['a', -1],
    ['a', 0.5],
    ['a', Number.NaN],
    ['a', Infinity],
  ])('refuses the use of %j at a cost of %j', (key, cost) => {
    const limiter = createLimiter('1/hour')
    const take = () => limiter.take(key as string, cost)
    expect(take).toThrow(expect.objectContaining({ code: 'HOTPATH_LIMIT_USE_INVALID' }))
    expect(limiter.take('a').isAllowed).toBe(true)
  })

  test('keeps odd keys apart', () => {
    const limiter = createLimiter('1/hour')
    const keys = ['', ' ', '\0', 'ä', 'a\u0300', '\ud800', 'x'.repeat(100_000), 'x'.repeat(99_999)]
    for (const key of keys) expect(limiter.take(key).isAllowed).toBe(true)
    for (const key of keys) expect(limiter.take(key).isAllowed).toBe(false)
  })

  test('is on the list of components until it is closed, and is heard', async () => {
    const limiter = createLimiter('1/hour', { name: 'logins', maxKeys: 1_000 })
    const heard: object[] = []
    const stop = listen('hotpath:limit:decision', (event) => heard.push(event))
    limiter.take('a')
    limiter.take('a', 2)
    stop()
    const listed = components().find(({ kind, name }) => kind === 'limiter' && name === 'logins')
    expect(listed?.stats()).toMatchObject({ allowed: 1, denied: 1, evictions: 0 })
    expect(heard).toEqual([
      { limiter: 'logins', key: 'a', cost: 1, isAllowed: true, policy: '1/hour' },
      { limiter: 'logins', key: 'a', cost: 2, isAllowed: false, policy: '1/hour' },
    ])
    await limiter.close()
    expect(components().some(({ name }) => name === 'logins')).toBe(false)
  })
})

describe('memory', () => {
  test('is taken once', () => {
    const limiter = createLimiter('100/hour', { maxKeys: 1_000 })
    const { bytes } = limiter.stats()
    for (let key = 0; key < 100_000; key++) limiter.take(`key ${key}`)
    expect(limiter.stats().bytes).toBe(bytes)
    expect(bytes).toBeLessThan(1_000 * 10.4 + 17 * 16_384 + 64)
  })

  test('has room for as many keys as it says, but for 15 in a thousand', () => {
    const limiter = createLimiter('1/hour', { maxKeys: 50_000 })
    for (let key = 0; key < 50_000; key++) limiter.take(`key ${key}`)
    let again = 0
    for (let key = 0; key < 50_000; key++) if (limiter.take(`key ${key}`).isAllowed) again++
    expect(again).toBeLessThan(750)
  })

  test('never frees a throttled key for a flood of others', () => {
    const limiter = createLimiter('10/hour', { maxKeys: 1_000 })
    const throttled = Array.from({ length: 200 }, (_, index) => `attacker ${index}`)
    for (const key of throttled) for (let use = 0; use < 10; use++) limiter.take(key)
    for (let key = 0; key < 200_000; key++) limiter.take(`filler ${key}`)
    const freed = throttled.filter((key) => limiter.take(key).isAllowed)
    expect(freed).toEqual([])
    expect(limiter.stats().evictions).toBeGreaterThan(100_000)
  })
})
