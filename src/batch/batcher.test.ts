import { getEventListeners } from 'node:events'
import { afterEach, expect, test, vi } from 'vitest'
import { components, createManualClock } from '../core/index.ts'
import { createBatcher } from './batcher.ts'
import type { BatcherOptions, BatchFunction } from './batcher-options.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const batcher of open.splice(0)) await batcher.close()
})

function make<T, R>(fn: BatchFunction<T, R>, options?: BatcherOptions) {
  const clock = createManualClock()
  const watched = vi.fn<BatchFunction<T, R>>(fn)
  const batcher = createBatcher(watched, { clock, maxSize: 3, maxDelayMs: 10, ...options })
  open.push(batcher)
  const batches = () => watched.mock.calls.map(([inputs]) => inputs)
  return { batcher, batches, clock, fn: watched }
}

const double = async (numbers: readonly number[]) => numbers.map((n) => 2 * n)

test('calls are collected until the batch is full, and each gets its own result', async () => {
  const { batcher, batches } = make(double)
  expect(await Promise.all([1, 2, 3].map((n) => batcher.call(n)))).toEqual([2, 4, 6])
  expect(batches()).toEqual([[1, 2, 3]])
})

test('a batch that does not fill starts when its first call has waited', async () => {
  const { batcher, batches, clock } = make(double)
  const answers = [batcher.call(1)]
  clock.advance(9)
  answers.push(batcher.call(2))
  expect(batches()).toEqual([])
  clock.advance(1)
  expect(batches()).toEqual([[1, 2]])
  expect(await Promise.all(answers)).toEqual([2, 4])
  const third = batcher.call(3)
  clock.advance(10)
  expect(await third).toBe(6)
})

test('without a delay a batch takes what is asked for in the same turn', async () => {
  const { batcher, batches } = make(double, { maxDelayMs: false })
  await Promise.all([batcher.call(1), batcher.call(2)])
  expect(batches()).toEqual([[1, 2]])
})

test('batches run one after the other, and collect meanwhile', async () => {
  const gates: (() => void)[] = []
  const { batcher, batches } = make(async (numbers: readonly number[]) => {
    await new Promise<void>((resolve) => gates.push(resolve))
    return numbers
  })
  const answers = [1, 2, 3, 4, 5, 6, 7].map((n) => batcher.call(n))
  expect(batches()).toEqual([[1, 2, 3]])
  expect(batcher.stats()).toMatchObject({ calls: 7, batches: 1, waiting: 4, running: 1 })
  gates.shift()?.()
  await Promise.all(answers.slice(0, 3))
  await vi.waitFor(() => expect(batches()).toHaveLength(2))
  gates.shift()?.()
  batcher.flush()
  await vi.waitFor(() => expect(batches()).toEqual([[1, 2, 3], [4, 5, 6], [7]]))
  gates.shift()?.()
  expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('a batch that fails fails its callers and no others', async () => {
  const { batcher } = make((numbers: readonly number[]) => {
    if (numbers.includes(1)) throw new Error('one')
    return numbers
  })
  const answers = await Promise.allSettled([1, 2, 3, 4, 5, 6].map((n) => batcher.call(n)))
  expect(answers.map(({ status }) => status)).toEqual([
    ...Array(3).fill('rejected'),
    ...Array(3).fill('fulfilled'),
  ])
  expect(batcher.stats()).toMatchObject({ batches: 2, failedBatches: 1 })
})

test('an Error among the results fails its caller only', async () => {
  const { batcher } = make(async (numbers: readonly number[]) =>
    numbers.map((n) => (n === 2 ? new RangeError('two') : n)),
  )
  const [one, two, three] = await Promise.allSettled([1, 2, 3].map((n) => batcher.call(n)))
  expect([one?.status, two?.status, three?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(two).toMatchObject({ reason: new RangeError('two') })
})

test.each([[[1, 2]], [[1, 2, 3, 4]], [undefined], ['abc']])(
  'the answer %j to three inputs is an error for all of them',
  async (answer) => {
    const { batcher } = make(async () => answer as number[])
    const calls = await Promise.allSettled([1, 2, 3].map((n) => batcher.call(n)))
    for (const call of calls) {
      expect(call).toMatchObject({ reason: { code: 'HOTPATH_BATCH_ANSWER_INVALID' } })
    }
  },
)

test('a caller who aborts before the start is left out, and one who aborts later waits no more', async () => {
  const seen: AbortSignal[] = []
  const gate = Promise.withResolvers<void>()
  const { batcher, batches } = make(async (numbers: readonly number[], { signal }) => {
    seen.push(signal)
    await gate.promise
    return numbers
  })
  const reason = new Error('gone')
  const [before, later] = [new AbortController(), new AbortController()]
  const first = batcher.call(0, { signal: before.signal })
  before.abort(reason)
  await expect(first).rejects.toBe(reason)
  await expect(batcher.call(0, { signal: before.signal })).rejects.toBe(reason)

  const second = batcher.call(1, { signal: later.signal })
  const others = [batcher.call(2), batcher.call(3)]
  expect(batches()).toEqual([[1, 2, 3]])
  later.abort(reason)
  await expect(second).rejects.toBe(reason)
  expect(seen[0]?.aborted).toBe(false)
  gate.resolve()
  expect(await Promise.all(others)).toEqual([2, 3])
  expect(getEventListeners(later.signal, 'abort')).toEqual([])
})

test('the signal of a batch aborts when nobody waits for it any more', async () => {
  const { batcher, clock } = make(
    (_: readonly number[], { signal }) =>
      new Promise<number[]>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  )
  const controllers = [new AbortController(), new AbortController()]
  const answers = controllers.map(({ signal }) => batcher.call(1, { signal }))
  clock.advance(10)
  for (const controller of controllers) controller.abort(new Error('gone'))
  for (const answer of answers) await expect(answer).rejects.toThrow('gone')
  await vi.waitFor(() => expect(batcher.stats().running).toBe(0))
})

test('a full queue refuses further calls', async () => {
  const gate = Promise.withResolvers<void>()
  const { batcher } = make(
    async (numbers: readonly number[]) => {
      await gate.promise
      return numbers
    },
    { maxQueue: 3 },
  )
  const answers = [1, 2, 3, 4, 5, 6].map((n) => batcher.call(n))
  await expect(batcher.call(7)).rejects.toMatchObject({ code: 'HOTPATH_BATCH_QUEUE_FULL' })
  gate.resolve()
  expect(await Promise.all(answers)).toHaveLength(6)
})

test('close flushes what waits, refuses what comes, and takes it off the list', async () => {
  const { batcher, batches } = make(double, { name: 'inserts' })
  expect(components()).toMatchObject([{ kind: 'batcher', name: 'inserts' }])
  const answer = batcher.call(1)
  const closing = batcher.close()
  await expect(batcher.call(2)).rejects.toMatchObject({ code: 'HOTPATH_COMPONENT_CLOSED' })
  await closing
  expect(await answer).toBe(2)
  expect(batches()).toEqual([[1]])
  expect(components()).toEqual([])
  await batcher.close()
})

test.each([
  [{ maxSize: 0 }, 'maxSize must be a whole number'],
  [{ maxDelayMs: 0 }, 'maxDelayMs must be a duration in milliseconds above 0'],
  [{ maxSize: 50, maxQueue: 20 }, 'maxQueue must be at least maxSize (50)'],
  [{ size: 3 }, "createBatcher has no option 'size'"],
])('refuses %o', (options, message) => {
  expect(() => createBatcher(double, options as object)).toThrow(message)
})
