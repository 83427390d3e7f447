import { getEventListeners } from 'node:events'
import { Readable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { mapConcurrent } from './map-concurrent.ts'
import type { MapFunction } from './map-options.ts'

test('an array, an iterable, an async iterable and a stream all give their results in order', async () => {
  const double = async (n: number) => 2 * n
  async function* later() {
    yield* [1, 2, 3]
  }
  for (const source of [[1, 2, 3], new Set([1, 2, 3]), later(), Readable.from([1, 2, 3])]) {
    expect(await mapConcurrent(source, double).toArray()).toEqual([2, 4, 6])
  }
  expect(await read(mapConcurrent([1, 2, 3], double))).toEqual([2, 4, 6])
  expect(await read(mapConcurrent([], double))).toEqual([])
})

test('a function may answer without a promise, also a hundred thousand times', async () => {
  const list = Array.from({ length: 100_000 }, (_, i) => i)
  expect(await mapConcurrent(list, (n) => n).toArray()).toEqual(list)
  expect(await read(mapConcurrent(list, (n) => n))).toEqual(list)
})

test('nothing happens before the results are asked for, and an array can be mapped twice', async () => {
  const fn = vi.fn<(n: number) => Promise<number>>(async (n) => n)
  const results = mapConcurrent([1, 2], fn)
  await turn()
  expect(fn).not.toHaveBeenCalled()
  await results.toArray()
  await results.toArray()
  expect(fn).toHaveBeenCalledTimes(4)
})

test('several next() at once are answered in order', async () => {
  const results = mapConcurrent([1, 2, 3], async (n) => n)[Symbol.asyncIterator]()
  const steps = await Promise.all([results.next(), results.next(), results.next(), results.next()])
  expect(steps.map(({ value }) => value)).toEqual([1, 2, 3, undefined])
  expect(await results.next()).toEqual({ done: true, value: undefined })
})

test('a break aborts what is running, waits for it, closes the source and starts nothing more', async () => {
  const source = watched()
  const { fn, running, abortedItems } = hanging(1)
  for await (const first of mapConcurrent(source.numbers(), fn, { concurrency: 4 })) {
    expect(first).toBe(0)
    break
  }
  expect(running()).toBe(0)
  expect(abortedItems).toEqual([1, 2, 3, 4])
  expect(source.closedCount()).toBe(1)
  expect(fn).toHaveBeenCalledTimes(5)
})

test('an abort ends the run with its reason, before, during and between', async () => {
  const reason = new Error('enough')
  const fn = vi.fn<(n: number) => Promise<number>>(async (n) => n)
  const before = mapConcurrent([1], fn, { signal: AbortSignal.abort(reason) })
  await expect(before.toArray()).rejects.toBe(reason)
  expect(fn).not.toHaveBeenCalled()

  const during = hanging(0)
  const controller = new AbortController()
  const source = watched()
  const { signal } = controller
  const answer = mapConcurrent(source.numbers(), during.fn, { signal, concurrency: 3 }).toArray()
  controller.abort(reason)
  await expect(answer).rejects.toBe(reason)
  expect(during.abortedItems).toEqual([0, 1, 2])
  expect(source.closedCount()).toBe(1)
  expect(getEventListeners(signal, 'abort')).toEqual([])

  const between = new AbortController()
  const loop = async () => {
    const results = mapConcurrent(watched().numbers(), fn, { signal: between.signal })
    for await (const result of results) if (result === 3) between.abort(reason)
  }
  await expect(loop()).rejects.toBe(reason)
})

test('the first error ends the run when those that run have ended', async () => {
  const source = watched()
  const { fn, running, abortedItems } = hanging(0)
  const results = mapConcurrent(
    source.numbers(),
    (n, context) => {
      if (n < 2) return fn(n, context)
      throw new RangeError('two')
    },
    { concurrency: 5 },
  )
  await expect(results.toArray()).rejects.toThrow(new RangeError('two'))
  expect(abortedItems).toEqual([0, 1])
  expect(running()).toBe(0)
  expect(source.closedCount()).toBe(1)
})

test('a source that fails ends the run whatever onError says, and is not closed again', async () => {
  const onReturn = vi.fn<() => IteratorResult<number>>()
  const broken = {
    [Symbol.iterator]: () => ({
      next: () => {
        throw new Error('disk')
      },
      return: onReturn,
    }),
  }
  const results = mapConcurrent(broken, async () => 1, { onError: 'settle' })
  await expect(results.toArray()).rejects.toThrow('disk')
  expect(onReturn).not.toHaveBeenCalled()
})

test('a source that cannot be closed is heard of after a break, but never hides another error', async () => {
  const fn = async (n: number) => {
    if (n === 3) throw new Error('three')
    return n
  }
  const stuck = () => watched(new Error('stuck')).numbers()
  await expect(mapConcurrent(stuck(), fn, { concurrency: 1 }).toArray()).rejects.toThrow('three')
  const loop = async () => {
    for await (const _ of mapConcurrent(stuck(), fn, { concurrency: 1 })) break
  }
  await expect(loop()).rejects.toThrow('stuck')
})

test('a source whose next item never comes does not hold up a break', async () => {
  async function* silent() {
    yield 1
    await new Promise(() => {})
  }
  for await (const result of mapConcurrent(silent(), async (n) => n)) {
    expect(result).toBe(1)
    break
  }
})

test('an asynchronous source is read on while the last item is worked on', async () => {
  const steps: string[] = []
  async function* slow() {
    for (const n of [1, 2]) {
      steps.push(`read ${n}`)
      yield n
    }
  }
  const fn = async (n: number) => {
    steps.push(`start ${n}`)
    await turn()
    steps.push(`end ${n}`)
  }
  await read(mapConcurrent(slow(), fn, { concurrency: 1 }))
  expect(steps).toEqual(['read 1', 'start 1', 'read 2', 'end 1', 'start 2', 'end 2'])
})

test('the signal of a run that ended well is not aborted', async () => {
  const signals: AbortSignal[] = []
  await mapConcurrent([1, 2], async (_, { signal }) => signals.push(signal)).toArray()
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
})

test('collected failures name their items', async () => {
  const odd = async (n: number) => {
    if (n % 2 === 1) throw new Error(`odd ${n}`)
    return n
  }
  const error = await mapConcurrent([0, 1, 2, 3], odd, { onError: 'collect' })
    .toArray()
    .catch((caught: unknown) => caught)
  expect(error).toMatchObject({
    code: 'HOTPATH_BATCH_ITEMS_FAILED',
    message:
      '2 items failed, first the one at index 1: Error: odd 1. All others were done; see `failures`',
    failedCount: 2,
    failures: [
      { index: 1, error: new Error('odd 1') },
      { index: 3, error: new Error('odd 3') },
    ],
  })
})

test('of an endless stream of failures only the first thousand are kept', async () => {
  const list = Array.from({ length: 5_000 }, (_, i) => i)
  const fail = () => Promise.reject(new Error('no'))
  const error = await mapConcurrent(list, fail, { onError: 'collect' })
    .toArray()
    .catch((caught: unknown) => caught)
  expect(error).toMatchObject({ failedCount: 5_000 })
  expect((error as { failures: unknown[] }).failures).toHaveLength(1_000)
})

test.each([
  [{ concurrency: 0 }, 'concurrency must be a whole number of at least 1, not 0'],
  [{ concurrency: Infinity }, 'concurrency must be a whole number of at least 1, not Infinity'],
  [{ onError: 'ignore' }, "onError must be 'throw', 'collect' or 'settle', not 'ignore'"],
  [
    { limit: 3 },
    "mapConcurrent has no option 'limit'; it knows concurrency, ordered, signal, onError",
  ],
])('refuses %o', (options, message) => {
  const attempt = () => mapConcurrent([], async () => 1, options as object)
  expect(attempt).toThrow(message)
})

test('refuses a source that is none, and a function that is none', () => {
  expect(() => mapConcurrent(7 as unknown as number[], async () => 1)).toThrow(/source must be/)
  expect(() => mapConcurrent([], 'no' as unknown as () => 1)).toThrow('fn must be a function')
})

async function read<T>(results: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const result of results) list.push(result)
  return list
}

/** The endless numbers, and how often they were closed. */
function watched(closingFails?: Error) {
  let closed = 0
  const numbers = (): Iterable<number> => {
    let n = 0
    const next = () => ({ done: false, value: n++ })
    const close = () => {
      closed++
      if (closingFails !== undefined) throw closingFails
      return { done: true as const, value: undefined }
    }
    return { [Symbol.iterator]: () => ({ next, return: close }) }
  }
  return { numbers, closedCount: () => closed }
}

/** A function that answers the items before `from` at once, and the others when they are aborted. */
function hanging(from: number) {
  let count = 0
  const abortedItems: number[] = []
  const fn = vi.fn<MapFunction<number, Promise<number>>>(async (n, { signal }) => {
    if (n < from) return n
    count++
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await turn()
    abortedItems.push(n)
    count--
    throw signal.reason
  })
  return { fn, abortedItems, running: () => count }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
