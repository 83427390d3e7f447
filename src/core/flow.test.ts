import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drain, type Sink } from './flow.ts'

/** Writes down what happens to it; fails where it is told to. */
function createJournal(failing: Partial<Sink<number, string>> = {}) {
  const journal: string[] = []
  const sink: Sink<number, string> = {
    async write(batch) {
      journal.push(`write ${batch.join(' ')}`)
      await failing.write?.(batch)
    },
    async close() {
      journal.push('close')
      return failing.close === undefined ? 'result' : failing.close()
    },
    async abort(reason) {
      journal.push(`abort ${String(reason)}`)
    },
  }
  return { journal, sink }
}

function* counting(journal: string[], upTo: number): Generator<number> {
  try {
    for (let row = 1; row <= upTo; row++) yield row
  } finally {
    journal.push('source closed')
  }
}

const broken = () => Promise.reject(new Error('broken'))

describe('drain', () => {
  test('moves every row once and in order, in batches, from any source', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat()),
        fc.integer({ min: 1, max: 10 }),
        async (rows, batchSize) => {
          const batches: (readonly number[])[] = []
          const sink: Sink<number> = {
            write: async (batch) => void batches.push(batch),
            close: async () => {},
            abort: async () => expect.unreachable(),
          }
          await drain(rows, sink, { batchSize })
          await drain(asynchronous(rows), sink, { batchSize })
          expect(batches.flat()).toEqual([...rows, ...rows])
          const sizes = batches.map((batch) => batch.length)
          expect(sizes).toEqual([
            ...sizesOf(rows.length, batchSize),
            ...sizesOf(rows.length, batchSize),
          ])
        },
      ),
    )
  })

  test('resolves with what the sink closes with, for an empty source too', async () => {
    const { journal, sink } = createJournal()
    expect(await drain([], sink)).toBe('result')
    expect(journal).toEqual(['close'])
  })

  test('reads no further while the sink is busy', async () => {
    let read = 0
    const source = (function* () {
      for (;;) yield ++read
    })()
    const writing = Promise.withResolvers<void>()
    const { sink } = createJournal({ write: () => writing.promise })
    const draining = drain(source, sink, { batchSize: 3 })
    await new Promise((resolve) => setImmediate(resolve))
    expect(read).toBe(3)
    writing.reject(new Error('enough'))
    await expect(draining).rejects.toThrow('enough')
    expect(read).toBe(3)
  })

  test('a sink that fails to write is aborted, and the source is closed', async () => {
    const { journal, sink } = createJournal({ write: broken })
    await expect(drain(counting(journal, 9), sink, { batchSize: 2 })).rejects.toThrow('broken')
    expect(journal).toEqual(['write 1 2', 'source closed', 'abort Error: broken'])
  })

  test('a sink that fails to close is aborted', async () => {
    const { journal, sink } = createJournal({ close: broken })
    await expect(drain([1], sink)).rejects.toThrow('broken')
    expect(journal).toEqual(['write 1', 'close', 'abort Error: broken'])
  })

  test('a source that fails aborts the sink, and its last rows are not written', async () => {
    const { journal, sink } = createJournal()
    const source = (function* () {
      yield* [1, 2, 3]
      throw new Error('torn')
    })()
    await expect(drain(source, sink, { batchSize: 2 })).rejects.toThrow('torn')
    expect(journal).toEqual(['write 1 2', 'abort Error: torn'])
  })

  test('an abort stops between two batches and closes both ends', async () => {
    const controller = new AbortController()
    const { journal, sink } = createJournal({ write: async () => controller.abort('stop') })
    const draining = drain(counting(journal, 9), sink, { batchSize: 2, signal: controller.signal })
    await expect(draining).rejects.toBe('stop')
    expect(journal).toEqual(['write 1 2', 'source closed', 'abort stop'])
  })

  test('an abort during the last batch is not a success', async () => {
    const controller = new AbortController()
    const { journal, sink } = createJournal({ write: async () => controller.abort('stop') })
    await expect(drain([1], sink, { signal: controller.signal })).rejects.toBe('stop')
    expect(journal).toEqual(['write 1', 'abort stop'])
  })

  test('aborted before it began, it opens no source', async () => {
    const { journal, sink } = createJournal()
    const source = { [Symbol.iterator]: () => expect.unreachable() }
    await expect(drain(source, sink, { signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect(journal).toEqual(['abort no'])
  })

  test.each([[0], [-1], [1.5], [Number.NaN]])('refuses batches of %d rows', async (batchSize) => {
    const { journal, sink } = createJournal()
    await expect(drain([1], sink, { batchSize })).rejects.toThrow(
      'batchSize must be a whole number',
    )
    expect(journal).toHaveLength(1)
    expect(journal[0]).toMatch(/^abort HotpathError/)
  })
})

async function* asynchronous(rows: readonly number[]): AsyncGenerator<number> {
  yield* rows
}

function sizesOf(rows: number, batchSize: number): number[] {
  const full = Array.from({ length: Math.floor(rows / batchSize) }, () => batchSize)
  return rows % batchSize === 0 ? full : [...full, rows % batchSize]
}
