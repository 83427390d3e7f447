import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { EncodeQueue } from './queue.ts'

function startedQueue() {
  const queue = new EncodeQueue()
  const started: number[] = []
  const ends = new Map<number, PromiseWithResolvers<Buffer>>()
  const add = (number: number, signal?: AbortSignal) =>
    queue.add(
      1_000,
      () => {
        const end = Promise.withResolvers<Buffer>()
        started.push(number)
        ends.set(number, end)
        return end.promise
      },
      signal,
    )
  return { queue, started, ends, add }
}

test('what waits begins in its order, as the others end', async () => {
  const { queue, started, ends, add } = startedQueue()
  const all = Array.from({ length: 9 }, (_, number) => add(number))
  const atOnce = queue.running
  expect(started).toHaveLength(atOnce)
  for (let number = 0; number < 9; number++) {
    ends.get(number)?.resolve(Buffer.from([number]))
    await turn()
    expect(queue.running).toBe(Math.min(atOnce, 8 - number))
  }
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  expect((await Promise.all(all)).map((bytes) => bytes?.[0])).toEqual(started)
})

test('one that fails makes room for the next', async () => {
  const { queue, ends, add } = startedQueue()
  const all = Array.from({ length: 5 }, (_, number) => add(number))
  const outcomes = Promise.allSettled(all)
  for (let number = 0; number < 5; number++) {
    if (number === 0) ends.get(number)?.reject(new Error('no memory'))
    else ends.get(number)?.resolve(Buffer.alloc(1))
    await turn()
  }
  expect((await outcomes).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ])
  expect(queue.running).toBe(0)
})

test('what was given up does not begin', async () => {
  const { queue, started, ends, add } = startedQueue()
  const first = Array.from({ length: queue.running + 4 }, (_, number) => add(number))
  const running = queue.running
  const aborted = new AbortController()
  const givenUp = add(100, aborted.signal)
  aborted.abort()
  for (let number = 0; number < first.length; number++) {
    ends.get(number)?.resolve(Buffer.alloc(1))
    await turn()
  }
  expect(await givenUp).toBeUndefined()
  expect(running).toBeGreaterThan(0)
  expect(started).not.toContain(100)
  expect(queue.waiting).toBe(0)
})
