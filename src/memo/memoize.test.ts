import { describe, expect, expectTypeOf, test, vi } from 'vitest'
import { components, createManualClock, HotpathError } from '../core/index.ts'
import { memoize } from './memoize.ts'

describe('a memoised function', () => {
  test('runs once for equal arguments, and counts', () => {
    const square = vi.fn<(n: number) => number>((n) => n * n)
    const memo = memoize(square)
    expect([memo(3), memo(3), memo(4)]).toEqual([9, 9, 16])
    expect(square).toHaveBeenCalledTimes(2)
    expect(memo.stats()).toEqual({
      hits: 1,
      misses: 2,
      hitRatio: 1 / 3,
      entries: 2,
      maxEntries: 1_000,
      bytes: 0,
      maxBytes: undefined,
      evictions: 0,
    })
  })

  test('keeps undefined, null and false as results', () => {
    const results = [undefined, null, false]
    const fn = vi.fn<(at: number) => unknown>((at) => results[at])
    const memo = memoize(fn)
    for (const at of [0, 1, 2, 0, 1, 2]) expect(memo(at)).toBe(results[at])
    expect(fn).toHaveBeenCalledTimes(3)
  })

  test('keeps this, name, length and types', () => {
    const account = {
      rate: 2,
      priceOf: memoize(function priceOf(this: { rate: number }, net: number, extra: number) {
        return net * this.rate + extra
      }),
    }
    expect(account.priceOf(10, 1)).toBe(21)
    expect(account.priceOf.name).toBe('priceOf')
    expect(account.priceOf.length).toBe(2)
    const join = memoize((a: string, b: number) => `${a}${b}`)
    expectTypeOf(join).parameters.toEqualTypeOf<[string, number]>()
    expectTypeOf(join.delete).parameters.toEqualTypeOf<[string, number]>()
    expectTypeOf(join('a', 1)).toEqualTypeOf<string>()
  })

  test('stays within its bound, and keeps what is asked for often', () => {
    const fn = vi.fn<(n: number) => number>((n) => n)
    const memo = memoize(fn, { maxEntries: 10 })
    for (let scan = 0; scan < 1_000; scan++) {
      memo(-1)
      memo(scan)
    }
    expect(memo.stats()).toMatchObject({ entries: 10, maxEntries: 10 })
    expect(memo.stats().evictions).toBeGreaterThan(900)
    expect(fn.mock.calls.filter(([n]) => n === -1).length).toBeLessThan(5)
  })

  test('stays within its bytes; a result that is too large is handed out and not kept', () => {
    const memo = memoize((length: number) => Buffer.alloc(length), { maxBytes: 10_000 })
    for (let length = 1_000; length < 1_100; length++) memo(length)
    expect(memo.stats().bytes).toBeLessThanOrEqual(10_000)
    expect(memo.stats().bytes).toBeGreaterThan(8_000)
    expect(memo(20_000)).toHaveLength(20_000)
    expect(memo(20_000)).not.toBe(memo(20_000))
  })

  test('forgets after ttlMs', () => {
    const clock = createManualClock()
    const fn = vi.fn<() => number>(() => 1)
    const memo = memoize(fn, { ttlMs: 1_000, clock })
    memo()
    clock.advance(999)
    memo()
    expect(fn).toHaveBeenCalledTimes(1)
    clock.advance(1)
    memo()
    expect(fn).toHaveBeenCalledTimes(2)
  })

  test('forgets what delete and clear name', () => {
    const fn = vi.fn<(a: number, b: string) => string>((a, b) => a + b)
    const memo = memoize(fn)
    memo(1, 'x')
    memo(2, 'x')
    expect(memo.delete(1, 'x')).toBe(true)
    expect(memo.delete(1, 'x')).toBe(false)
    memo(1, 'x')
    memo(2, 'x')
    expect(fn).toHaveBeenCalledTimes(3)
    memo.clear()
    expect(memo.stats().entries).toBe(0)
    memo(2, 'x')
    expect(fn).toHaveBeenCalledTimes(4)
  })

  test('does not keep what throws', () => {
    let calls = 0
    const memo = memoize(() => {
      if (++calls === 1) throw new Error('not yet')
      return calls
    })
    expect(() => memo()).toThrow('not yet')
    expect(memo()).toBe(2)
  })

  test('may call itself', () => {
    const fibonacci: (n: number) => bigint = memoize((n: number) =>
      n < 2 ? BigInt(n) : fibonacci(n - 1) + fibonacci(n - 2),
    )
    expect(fibonacci(90)).toBe(2880067194370816120n)
  })

  test('is listed under its name, and only with one', () => {
    memoize((n: number) => n)
    const memo = memoize((n: number) => n, { name: 'squares' })
    memo(1)
    const listed = components().filter(({ kind }) => kind === 'memo')
    expect(listed.map(({ name }) => name)).toEqual(['squares'])
    expect(listed[0]?.stats()).toMatchObject({ misses: 1 })
  })
})

describe('an async memoised function', () => {
  test('runs once for callers that come together', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const fn = vi.fn<(id: number) => Promise<string>>(() => promise)
    const memo = memoize(fn)
    const calls = [memo(1), memo(1), memo(1)]
    resolve('there')
    expect(await Promise.all([...calls, memo(1)])).toEqual(['there', 'there', 'there', 'there'])
    expect(fn).toHaveBeenCalledTimes(1)
    expect(memo.stats()).toMatchObject({ hits: 3, misses: 1, entries: 1 })
  })

  test('shares a rejection with those who wait, and does not keep it', async () => {
    let calls = 0
    const memo = memoize(async (_id: number) => {
      if (++calls === 1) throw new Error('not yet')
      return calls
    })
    const settled = await Promise.allSettled([memo(1), memo(1)])
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await memo(1)).toBe(2)
  })

  test('does not keep what was deleted or cleared while it ran', async () => {
    const runs: ((value: number) => void)[] = []
    const memo = memoize((_id: number) => new Promise<number>((resolve) => runs.push(resolve)))
    const before = memo(1)
    expect(memo.delete(1)).toBe(true)
    const after = memo(1)
    runs[0]?.(10)
    expect(await before).toBe(10)
    expect(memo.stats().entries).toBe(0)
    runs[1]?.(20)
    expect(await after).toBe(20)
    expect(await memo(1)).toBe(20)
    const cleared = memo(2)
    memo.clear()
    runs[2]?.(30)
    await cleared
    expect(memo.stats().entries).toBe(0)
  })

  test('shares a run, however many other keys come meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<number>()
    const fn = vi.fn<(id: number) => Promise<number>>((id) =>
      id === 0 ? promise : Promise.resolve(id),
    )
    const memo = memoize(fn, { maxEntries: 2 })
    const slow = memo(0)
    for (let id = 1; id < 50; id++) await memo(id)
    expect(memo(0)).toBe(slow)
    resolve(0)
    await slow
  })

  test('counts a ttl from when the result is there', async () => {
    const clock = createManualClock()
    const { promise, resolve } = Promise.withResolvers<number>()
    const fn = vi.fn<() => Promise<number>>(() => promise)
    const memo = memoize(fn, { ttlMs: 100, clock })
    const first = memo()
    clock.advance(1_000)
    resolve(1)
    await first
    clock.advance(99)
    await memo()
    expect(fn).toHaveBeenCalledTimes(1)
    clock.advance(1)
    await memo()
    expect(fn).toHaveBeenCalledTimes(2)
  })
})

describe('bad input', () => {
  test.each([
    ['maxEntries', { maxEntries: 0 }],
    ['maxBytes', { maxBytes: 1.5 }],
    ['ttlMs', { ttlMs: Number.NaN }],
    ['ttlMs', { ttlMs: -1 }],
    ['name', { name: '' }],
    ['key', { key: 'id' as never }],
    ['maxAge', { maxAge: 1 } as never],
  ])('%s is refused in %o', (option, options) => {
    expect(() => memoize((n: number) => n, options)).toThrow(
      expect.objectContaining({
        code: 'HOTPATH_OPTION_INVALID',
        message: expect.stringContaining(option),
      }),
    )
  })

  test('what is not a function is refused', () => {
    expect(() => memoize(1 as never)).toThrow(HotpathError)
  })

  test('an argument without a stable key is named, and the function not run', () => {
    const fn = vi.fn<(a: number, b: unknown) => number>(() => 1)
    const memo = memoize(fn)
    expect(() => memo(1, { callback: () => 1 })).toThrow(
      expect.objectContaining({
        code: 'HOTPATH_MEMO_KEY_INVALID',
        message: expect.stringContaining('argument 2'),
      }),
    )
    expect(fn).not.toHaveBeenCalled()
  })

  test('a key function that throws is the caller’s error', () => {
    const memo = memoize((n: number) => n, {
      key: () => {
        throw new RangeError('no key')
      },
    })
    expect(() => memo(1)).toThrow(RangeError)
  })
})

test('a key function says what the result depends on', () => {
  interface User {
    readonly id: number
    readonly onSeen: () => void
  }
  const fn = vi.fn<(user: User) => string>((user) => `user ${user.id}`)
  const memo = memoize(fn, { key: (user) => user.id })
  expect(memo({ id: 1, onSeen: () => {} })).toBe(memo({ id: 1, onSeen: () => {} }))
  expect(fn).toHaveBeenCalledTimes(1)
})
