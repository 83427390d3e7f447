import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { components } from '../core/registry.ts'
import { listen } from '../core/events.ts'
import { measure } from './measure.ts'
import type { MeasuredCall } from './options.ts'

describe('a synchronous function', () => {
  test('keeps name, length, this, arguments and result', () => {
    const account = {
      rate: 2,
      charge: measure(function charge(this: { rate: number }, amount: number, _note: string) {
        return amount * this.rate
      }),
    }
    expect(account.charge(21, 'a note')).toBe(42)
    expect(account.charge.name).toBe('charge')
    expect(account.charge.length).toBe(2)
    expect(account.charge.stats()).toMatchObject({ calls: 1, errors: 0, running: 0 })
  })

  test('that throws is counted, and its error passes', () => {
    const failure = new Error('no')
    const fail = measure(() => {
      throw failure
    })
    expect(() => fail()).toThrow(failure)
    expect(fail.stats()).toMatchObject({ calls: 1, errors: 1, running: 0 })
  })

  test('may be called with new', () => {
    function Point(this: { x: number }, x: number) {
      this.x = x
    }
    const Measured = measure(Point) as unknown as new (x: number) => { x: number }
    const point = new Measured(3)
    expect(point.x).toBe(3)
    expect(point).toBeInstanceOf(Point)
  })

  test('may call itself', () => {
    const factorial: ((n: number) => number) & { stats(): { calls: number } } = measure(
      (n: number) => (n < 2 ? 1 : n * factorial(n - 1)),
    )
    expect(factorial(5)).toBe(120)
    expect(factorial.stats().calls).toBe(5)
  })

  test('uses CPU time and memory that are its own', () => {
    const kept: unknown[] = []
    const work = measure(
      (forMs: number) => {
        const endMs = performance.now() + forMs
        while (performance.now() < endMs) kept.push({})
      },
      { sampleEvery: 1 },
    )
    work(20)
    const { duration, usage } = work.stats()
    expect(usage).toMatchObject({ samples: 1, attribution: 'call', meanEventLoopUtilization: 1 })
    expect(usage.meanCpuMs).toBeGreaterThan(0)
    expect(usage.meanCpuMs).toBeLessThanOrEqual(duration.maxMs + 5)
    expect(usage.meanHeapBytes).not.toBe(0)
  })
})

describe('an async function', () => {
  test('is measured until its promise settles', async () => {
    const wait = measure(async (outcome: string) => {
      await sleep(20)
      if (outcome === 'failure') throw new Error(outcome)
      return outcome
    })
    const calls = [wait('success'), wait('failure')] as const
    expect(wait.stats()).toMatchObject({ calls: 0, running: 2 })
    await expect(calls[0]).resolves.toBe('success')
    await expect(calls[1]).rejects.toThrow('failure')
    expect(wait.stats()).toMatchObject({ calls: 2, errors: 1, running: 0 })
    expect(wait.stats().duration.p50Ms).toBeGreaterThan(15)
  })

  test('whose rejection nobody handles is still reported', async () => {
    const unhandled = vi.fn<(reason: unknown) => void>()
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', unhandled)
    try {
      const failure = new Error('nobody cares')
      void measure(() => Promise.reject(failure))()
      await vi.waitFor(() => expect(unhandled).toHaveBeenCalledTimes(1))
      expect(unhandled.mock.calls[0]?.[0]).toBe(failure)
    } finally {
      process.removeAllListeners('unhandledRejection')
      for (const listener of others) process.on('unhandledRejection', listener)
    }
  })

  test('whose promise carries more than an outcome returns that very promise', async () => {
    const answer = Object.assign(Promise.resolve('text'), { json: () => Promise.resolve({}) })
    class Special extends Promise<number> {}
    const special = Special.resolve(1)
    expect(measure(() => answer)()).toBe(answer)
    expect(measure(() => special)()).toBe(special)
    const failed = Object.assign(Promise.reject(new Error('no')), { json: 1 })
    const fetch = measure(() => failed)
    await expect(fetch()).rejects.toThrow('no')
    expect(fetch.stats()).toMatchObject({ calls: 1, errors: 1 })
  })

  test('a query that begins when it is awaited is not begun', () => {
    let began = false
    class Builder {
      // oxlint-disable-next-line unicorn/no-thenable -- as Knex and Prisma have it
      then() {
        began = true
      }
    }
    const builder = new Builder()
    expect(measure(() => builder)()).toBe(builder)
    expect(began).toBe(false)
  })

  test('has figures of the thread while it is alone, and none while calls overlap', async () => {
    const wait = measure((forMs: number) => sleep(forMs), { sampleEvery: 1 })
    await wait(5)
    expect(wait.stats().usage).toMatchObject({ samples: 1, overlapped: 0, attribution: 'thread' })
    wait.reset()
    await Promise.all([wait(5), wait(10)])
    const { usage } = wait.stats()
    expect(usage).toMatchObject({ samples: 0, overlapped: 2, meanCpuMs: undefined })
    expect(usage.meanEventLoopUtilization).toBeLessThan(1)
  })
})

describe('a generator', () => {
  function* count(upTo: number): Generator<number, string> {
    for (let n = 1; n <= upTo; n++) yield n
    return 'done'
  }

  test('is measured over its steps, to its end', () => {
    const measured = measure(count)
    const generator = measured(3)
    expect(measured.stats()).toMatchObject({ calls: 0, running: 1 })
    expect([...generator]).toEqual([1, 2, 3])
    expect(generator.next()).toEqual({ value: undefined, done: true })
    expect(measured.stats()).toMatchObject({ calls: 1, errors: 0, running: 0 })
    expect(measured.stats().usage.attribution).toBe('thread')
  })

  test('keeps what a generator is', () => {
    const generator = measure(count)(2)
    expect(Object.prototype.toString.call(generator)).toBe('[object Generator]')
    expect(generator).toBeInstanceOf(count)
    expect(Object.keys(generator)).toEqual([])
    const all = (function* () {
      return yield* generator
    })()
    expect([all.next().value, all.next().value, all.next().value]).toEqual([1, 2, 'done'])
  })

  test('may be left early, told to throw, or throw', () => {
    const measured = measure(count)
    for (const n of measured(9)) if (n === 2) break
    expect(measured.stats()).toMatchObject({ calls: 1, errors: 0, running: 0 })
    expect(() => measured(9).throw(new Error('from outside'))).toThrow('from outside')
    expect(measured.stats()).toMatchObject({ calls: 2, errors: 1, running: 0 })
  })

  test('counts the time in its steps, not that of its reader', () => {
    const measured = measure(count)
    for (const _ of measured(3)) {
      const endMs = performance.now() + 10
      while (performance.now() < endMs);
    }
    expect(measured.stats().duration.maxMs).toBeLessThan(10)
  })
})

describe('an async generator', () => {
  async function* pages(count: number) {
    for (let page = 0; page < count; page++) {
      await sleep(2)
      if (page === 4) throw new Error('page 4 is lost')
      yield page
    }
  }

  test('is measured to its end, its failure, or where it is left', async () => {
    const measured = measure(pages)
    const seen: number[] = []
    for await (const page of measured(3)) seen.push(page)
    expect(seen).toEqual([0, 1, 2])
    expect(measured.stats()).toMatchObject({ calls: 1, errors: 0, running: 0 })
    for await (const page of measured(9)) if (page === 1) break
    expect(measured.stats()).toMatchObject({ calls: 2, errors: 0, running: 0 })
    const readAll = async () => {
      for await (const page of measured(9)) seen.push(page)
    }
    await expect(readAll()).rejects.toThrow('page 4 is lost')
    expect(measured.stats()).toMatchObject({ calls: 3, errors: 1, running: 0 })
    expect(measured.stats().duration.maxMs).toBeGreaterThan(6)
  })

  test('may be asked for several steps at once', async () => {
    const measured = measure(pages)
    const generator = measured(2)
    const startMs = performance.now()
    const steps = await Promise.all([generator.next(), generator.next(), generator.next()])
    expect(steps.map(({ done }) => done)).toEqual([false, false, true])
    expect(measured.stats()).toMatchObject({ calls: 1, running: 0 })
    // Time that two steps wait at once has passed once.
    expect(measured.stats().duration.maxMs).toBeLessThanOrEqual(performance.now() - startMs)
  })
})

describe('who is told', () => {
  test('nobody: then nothing is kept and the call passes on', () => {
    const quiet = measure((n: number) => n + 1, { statistics: false })
    expect(quiet(1)).toBe(2)
    expect(quiet.stats()).toMatchObject({ calls: 0 })
  })

  test('a listener to the channel, also without statistics', () => {
    const heard: MeasuredCall[] = []
    const stop = listen('hotpath:measure:call', (call) => heard.push(call))
    const add = measure((n: number) => n + 1, { name: 'listened', statistics: false })
    add(1)
    stop()
    add(2)
    expect(heard).toMatchObject([{ name: 'listened', isFailed: false, error: undefined }])
  })

  test('a log, of every call, with its usage', async () => {
    const log = vi.fn<(call: MeasuredCall) => void>()
    const add = measure(async (n: number) => n + 1, { name: 'logged', log })
    await add(1)
    await add(2)
    const usage = expect.objectContaining({ attribution: 'thread' })
    expect(log.mock.calls).toMatchObject([[{ name: 'logged', usage }], [{ usage }]])
  })

  test('the console, in a line', () => {
    const print = vi.spyOn(console, 'log').mockReturnValue()
    measure(() => 1, { name: 'printed', log: true })()
    expect(print.mock.calls[0]?.[0]).toMatch(
      /^printed: \d+\.\d{3} ms, CPU \d\.\d{3} ms, heap [+-]\d.*MB, RSS [+-]\d.*MB$/,
    )
    print.mockRestore()
  })

  test('a log that throws does not reach the caller', () => {
    const later = vi.spyOn(process, 'nextTick').mockReturnValue()
    const add = measure((n: number) => n + 1, {
      log: () => {
        throw new Error('the disk is full')
      },
    })
    expect(add(1)).toBe(2)
    expect(later.mock.calls[0]?.[0]).toThrow('the disk is full')
    later.mockRestore()
  })

  test('those who read the components, by name', () => {
    const add = measure((n: number) => n + 1, { name: 'shown' })
    add(1)
    measure(() => 1)()
    const shown = components().filter(({ kind }) => kind === 'function')
    expect(shown.map(({ name }) => name)).toContain('shown')
    expect(shown.find(({ name }) => name === 'shown')?.stats()).toEqual(add.stats())
  })
})

test('samples get rarer with calls that take next to nothing, and can be switched off', () => {
  const quick = measure(() => 1)
  const never = measure(() => 1, { sampleEvery: false })
  for (let call = 0; call < 50_000; call++) {
    quick()
    never()
  }
  expect(quick.stats().usage.samples).toBeGreaterThan(10)
  expect(quick.stats().usage.samples).toBeLessThan(5_000)
  expect(never.stats().usage.samples).toBe(0)
})

test('reset begins anew', () => {
  const add = measure((n: number) => n + 1)
  add(1)
  add.reset()
  expect(add.stats()).toMatchObject({ calls: 0, errors: 0, duration: { count: 0 } })
})

test.each([
  [{ name: '' }, 'name'],
  [{ sampleEvery: 0 }, 'sampleEvery'],
  [{ log: 'yes' }, 'log'],
  [{ statistics: 1 }, 'statistics'],
  [{ samples: 1 }, 'samples'],
])('refuses %o', (options, name) => {
  expect(() => measure(() => 1, options as object)).toThrow(
    expect.objectContaining({
      code: 'HOTPATH_OPTION_INVALID',
      message: expect.stringContaining(name),
    }),
  )
})

test('refuses what is no function', () => {
  expect(() => measure('text' as never)).toThrow(/fn must be a function/)
})
