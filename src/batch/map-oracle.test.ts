import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ItemsFailedError } from './items-failed.ts'
import { mapConcurrent } from './map-concurrent.ts'

// A run is driven by hand: one step settles one of the running items, or takes one result. The oracle
// knows only the list of items, which of them fail, and the order in which they were settled.

const plans = fc.record({
  fails: fc.array(fc.boolean(), { maxLength: 30 }),
  concurrency: fc.integer({ min: 1, max: 6 }),
  ordered: fc.boolean(),
  onError: fc.constantFrom('throw', 'collect', 'settle'),
  source: fc.constantFrom('array', 'generator', 'async generator'),
  picks: fc.infiniteStream(fc.nat()),
})

test('any order of settling and taking gives what the oracle says, within the window', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async ({ fails, concurrency, ordered, onError, source, picks }) => {
      const running: Running[] = []
      const settled: number[] = []
      let readCount = 0
      let takenCount = 0
      let isClosed = false

      const fn = (item: number, { index, signal }: { index: number; signal: AbortSignal }) =>
        new Promise<string>((resolve, reject) => {
          expect(index).toBe(item)
          running.push({ item, signal, resolve, reject })
        })
      const options = { concurrency, ordered, onError: onError as 'throw' }
      const results = mapConcurrent(numbers(), fn, options)[Symbol.asyncIterator]()

      const got: unknown[] = []
      let ending: unknown
      let isTaking = false
      let isOver = false
      const take = () => {
        if (isTaking) return
        isTaking = true
        results.next().then(
          ({ done, value }) => {
            isTaking = false
            if (done === true) isOver = true
            else {
              takenCount++
              got.push(value)
            }
          },
          (error: unknown) => {
            isOver = true
            ending = error
          },
        )
      }

      take()
      for (const pick of picks) {
        await turn()
        if (isOver) break
        const failedCount = settled.filter((item) => fails[item]).length
        expect(running.length).toBeLessThanOrEqual(concurrency)
        expect(readCount - takenCount - failedCount).toBeLessThanOrEqual(2 * concurrency)
        const place = pick % (running.length + 1)
        if (place === running.length) {
          take()
          if (running.length > 0 || !isTaking) continue
        }
        const [next] = running.splice(place, 1)
        if (next === undefined) continue
        settled.push(next.item)
        if (fails[next.item] === true) next.reject(new Error(`item ${next.item}`))
        else next.resolve(`done ${next.item}`)
      }

      expect(running).toEqual([])
      const order = ordered ? settled.toSorted((a, b) => a - b) : settled
      const failures = settled.filter((item) => fails[item])
      if (onError === 'settle') {
        expect(got).toEqual(
          order.map((item) =>
            fails[item] === true
              ? { ok: false, error: new Error(`item ${item}`) }
              : { ok: true, value: `done ${item}` },
          ),
        )
        expect(settled).toHaveLength(fails.length)
      } else if (onError === 'collect') {
        expect(got).toEqual(order.filter((i) => fails[i] !== true).map((i) => `done ${i}`))
        expect(settled).toHaveLength(fails.length)
        expect(
          (ending as ItemsFailedError | undefined)?.failures.map(({ index }) => index),
        ).toEqual(failures.length === 0 ? undefined : failures)
      } else if (failures.length === 0) {
        expect(got).toEqual(order.map((item) => `done ${item}`))
        expect(settled).toHaveLength(fails.length)
      } else {
        expect(ending).toEqual(new Error(`item ${failures[0]}`))
        const before = settled.slice(0, settled.indexOf(failures[0] ?? -1))
        const ready = ordered ? startOf(before) : before
        expect(got).toEqual(ready.map((item) => `done ${item}`))
        expect(isClosed || readCount === fails.length).toBe(true)
      }
      if (ending === undefined) expect(settled).toHaveLength(fails.length)

      function numbers(): Iterable<number> | AsyncIterable<number> {
        if (source === 'generator') return read()
        if (source === 'async generator') return readLater()
        return { [Symbol.iterator]: read }
      }
      function* read() {
        try {
          for (const item of fails.keys()) {
            readCount++
            yield item
          }
        } finally {
          isClosed = true
        }
      }
      async function* readLater() {
        yield* read()
      }
    }),
    { numRuns: 300 },
  )
})

interface Running {
  item: number
  signal: AbortSignal
  resolve(value: string): void
  reject(error: Error): void
}

/** The items 0, 1, 2, … as far as none is missing. */
function startOf(items: readonly number[]): number[] {
  const sorted = items.toSorted((a, b) => a - b)
  return sorted.filter((item, place) => item === place)
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
