import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createManualClock, runInRequest } from '../core/index.ts'
import type { BatchFunction } from './loader-batch.ts'
import type { LoaderOptions } from './loader-options.ts'
import { createLoader, type Loader } from './loader.ts'

const request = <T>(work: () => T): T => runInRequest({ route: '/' }, work)

// Answers each key with its double, and a batch only when it is told to.
function open(options: LoaderOptions = {}) {
  const clock = createManualClock()
  const batches: { keys: number[]; signal: AbortSignal; answer: () => Promise<void> }[] = []
  const answerBatch: BatchFunction<number, number> = (keys, { signal }) =>
    new Promise((resolve) => {
      const answer = async () => {
        resolve(keys.map((key) => (key < 0 ? new Error(`no ${key}`) : key * 2)))
        await turn()
        await turn()
      }
      batches.push({ keys: [...keys], signal, answer })
    })
  const loader = createLoader(answerBatch, { clock, ...options })
  return { loader, batches, clock, keys: () => batches.map((batch) => batch.keys) }
}

describe('within a request', () => {
  test('keys of one turn share a batch, each once, and are kept', () =>
    request(async () => {
      const { loader, batches, keys } = open()
      const asked = loader.loadMany([1, 2, 1])
      await Promise.resolve()
      const later = loader.load(3)
      await turn()
      expect(keys()).toEqual([[1, 2, 3]])
      await batches[0]?.answer()
      expect(await asked).toEqual([2, 4, 2])
      expect(await later).toBe(6)
      expect(await loader.load(1)).toBe(2)
      expect(batches).toHaveLength(1)
    }))

  test('keys that come while a batch is under way leave together when it returns', () =>
    request(async () => {
      const { loader, batches, keys } = open()
      void loader.load(1)
      await turn()
      void loader.load(2)
      await turn()
      void loader.load(3)
      await turn()
      expect(keys()).toEqual([[1]])
      await batches[0]?.answer()
      expect(keys()).toEqual([[1], [2, 3]])
    }))

  test('but not longer than maxWaitMs, and at once when there are maxBatch', () =>
    request(async () => {
      const { loader, clock, keys } = open({ maxWaitMs: 5, maxBatch: 3 })
      void loader.load(1)
      await turn()
      void loader.load(2)
      clock.advance(4)
      await turn()
      expect(keys()).toEqual([[1]])
      clock.advance(1)
      expect(keys()).toEqual([[1], [2]])
      void loader.loadMany([3, 4, 5, 6])
      expect(keys()).toEqual([[1], [2], [3, 4, 5]])
      clock.advance(5)
      expect(keys()).toEqual([[1], [2], [3, 4, 5], [6]])
    }))

  test('an error belongs to its key, and is not kept', () =>
    request(async () => {
      const { loader, batches, keys } = open()
      const bad = expect(loader.load(-1)).rejects.toThrow('no -1')
      const good = loader.load(1)
      await turn()
      await batches[0]?.answer()
      await bad
      expect(await good).toBe(2)
      loader.load(-1).catch(() => {})
      await turn()
      expect(keys()).toEqual([[-1, 1], [-1]])
    }))

  test('clear asks anew, even while the old query is under way; prime spares it', () =>
    request(async () => {
      const { loader, keys, batches } = open()
      const before = loader.load(1)
      await turn()
      loader.clear(1)
      const after = loader.load(1)
      await batches[0]?.answer()
      await batches[1]?.answer()
      expect(await Promise.all([before, after])).toEqual([2, 2])
      loader.prime(7, 70)
      expect(await loader.load(7)).toBe(70)
      expect(keys()).toEqual([[1], [1]])
    }))

  test('keeps maxEntries values', () =>
    request(async () => {
      const { loader, keys } = open({ maxEntries: 2 })
      for (const key of [1, 2, 3]) loader.prime(key, key)
      expect(await loader.loadMany([2, 3])).toEqual([2, 3])
      void loader.load(1)
      await turn()
      expect(keys()).toEqual([[1]])
    }))

  test('who gives up is told at once; the batch is aborted when all have', () =>
    request(async () => {
      const { loader, batches, keys } = open()
      const [first, second] = [new AbortController(), new AbortController()]
      const outcomes = Promise.allSettled([
        loader.load(1, first),
        loader.load(2, second),
        loader.load(3, { signal: AbortSignal.abort(new Error('too late')) }),
      ])
      await turn()
      first.abort(new Error('gone'))
      expect(batches[0]?.signal.aborted).toBe(false)
      second.abort(new Error('gone too'))
      expect(batches[0]?.signal.aborted).toBe(true)
      expect((await outcomes).map((each) => 'reason' in each && each.reason.message)).toEqual([
        'gone',
        'gone too',
        'too late',
      ])
      void loader.load(1)
      await batches[0]?.answer()
      expect(keys()).toEqual([[1, 2], [1]])
    }))

  test('a key that nobody wants any more is not asked for', () =>
    request(async () => {
      const { loader, keys } = open()
      const leaving = new AbortController()
      const gone = expect(loader.load(1, leaving)).rejects.toThrow('gone')
      void loader.load(2)
      leaving.abort(new Error('gone'))
      await gone
      await turn()
      expect(keys()).toEqual([[2]])
    }))

  test('a batch function may ask its own loader', () =>
    request(async () => {
      const parents: Loader<number, number> = createLoader(
        async (keys: readonly number[]) =>
          Promise.all(keys.map((key) => (key === 0 ? Promise.resolve(0) : parents.load(key - 1)))),
        { maxWaitMs: 1 },
      )
      expect(await parents.load(3)).toBe(0)
    }))
})

// What DataLoader does, for comparison: a batch holds what was asked for in one tick.
function createSameTickLoader<Key, Value>(run: BatchFunction<Key, Value>) {
  let batch: { keys: Key[]; answer: Promise<readonly (Value | Error)[]> } | undefined
  return {
    async load(key: Key): Promise<Value> {
      if (batch === undefined) {
        const keys: Key[] = []
        const answer = new Promise<void>((resolve) => process.nextTick(resolve)).then(() => {
          batch = undefined
          return run(keys, { signal: new AbortController().signal })
        })
        batch = { keys, answer }
      }
      const index = batch.keys.push(key) - 1
      return (await batch.answer)[index] as Value
    },
  }
}

describe('ten parts of an answer that each wait for twenty keys, one after the other', () => {
  // They begin a turn apart. The database answers one batch after the other.
  const countBatches = (
    make: (run: BatchFunction<number, number>) => { load(key: number): Promise<number> },
  ): Promise<number> =>
    request(async () => {
      const asked: (() => void)[] = []
      let batches = 0
      const loader = make((keys) => {
        batches++
        return new Promise((resolve) => asked.push(() => resolve([...keys])))
      })
      let working = 10
      for (let part = 0; part < 10; part++) {
        const work = async () => {
          for (let i = 0; i < 20; i++) await loader.load(part * 20 + i)
          working--
        }
        void work()
        await turn()
      }
      while (working > 0) {
        asked.shift()?.()
        await turn()
      }
      return batches
    })

  test('come into step, where a rule by the tick asks for every key by itself', async () => {
    expect(await countBatches(createSameTickLoader)).toBe(200)
    expect(await countBatches((run) => createLoader(run, { clock: createManualClock() }))).toBe(21)
  })
})

test('requests share nothing', async () => {
  const { loader, batches, keys } = open()
  const both = [request(() => loader.load(1)), request(() => loader.load(1))]
  await turn()
  expect(keys()).toEqual([[1], [1]])
  for (const batch of batches) await batch.answer()
  expect(await Promise.all(both)).toEqual([2, 2])
})

test('outside of a request keys gather, but nothing is kept and nothing under way is joined', async () => {
  const { loader, batches, keys } = open()
  loader.prime(1, 100)
  const asked = loader.loadMany([1, 1])
  await turn()
  const again = loader.load(1)
  await batches[0]?.answer()
  await batches[1]?.answer()
  expect(await asked).toEqual([2, 2])
  expect(await again).toBe(2)
  expect(keys()).toEqual([[1], [1]])
})

test('keys are the same by their structure', async () => {
  const seen: unknown[] = []
  const loader = createLoader<unknown, number>(async (keys) => keys.map((key) => seen.push(key)))
  const alike = [
    { a: 1, b: [new Date(5), 2n] },
    { b: [new Date(5), 2n], a: 1 },
  ]
  const different = [1, '1', 1n, [1], ['1'], [1n], '\0:[1]', null, undefined, {}, [], true, 'true']
  await request(() => loader.loadMany([...alike, ...different]))
  expect(seen).toEqual([alike[0], ...different])
  const circular: unknown[] = []
  circular.push(circular)
  for (const key of [() => 1, Symbol('s'), [new URL('http://a/')], circular]) {
    await expect(loader.load(key)).rejects.toMatchObject({ code: 'HOTPATH_POSTGRES_QUERY_INVALID' })
  }
})

test.each([
  ['too few', async () => [1]],
  ['none', async () => undefined as never],
])('a batch function that gives %s results is told', async (_what, batch) => {
  const loader = createLoader<number, number>(batch)
  await expect(loader.loadMany([1, 2])).rejects.toMatchObject({
    code: 'HOTPATH_POSTGRES_QUERY_INVALID',
    message: expect.stringContaining('one result for each of its 2 keys'),
  })
})

test('a batch function that throws fails its keys', async () => {
  const loader = createLoader<number, number>(() => {
    throw new Error('down')
  })
  await expect(loader.load(1)).rejects.toThrow('down')
})

test.each([
  ['maxBatch', { maxBatch: 0 }],
  ['maxWaitMs', { maxWaitMs: 0 }],
  ['maxEntries', { maxEntries: -1 }],
  ['cache', { cache: false } as LoaderOptions],
])('refuses %s', (name, options) => {
  expect(() => createLoader(async () => [], options)).toThrow(name)
})
