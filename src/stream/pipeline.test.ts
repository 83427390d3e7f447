import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createManualClock, listen, type Sink } from '../core/index.ts'
import { RowError } from './errors.ts'
import { from } from './from.ts'
import { lines } from './lines.ts'
import type { Place } from './place.ts'
import type { StreamProgress } from './progress.ts'
import type { RejectedRow } from './rejects.ts'

/** Writes down what happens to it. */
function createJournal<T>(failing: Partial<Sink<T, string>> = {}) {
  const journal: string[] = []
  const rows: T[] = []
  const sink: Sink<T, string> = {
    async write(batch) {
      rows.push(...batch)
      journal.push(`write ${batch.length}`)
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
  return { journal, rows, sink }
}

async function* counting(upTo: number, onClose?: () => void): AsyncGenerator<number> {
  try {
    for (let row = 1; row <= upTo; row++) yield row
  } finally {
    onClose?.()
  }
}

const text = Buffer.from('one\ntwo\nthree\nfour\n')

describe('steps', () => {
  test('do what arrays do, whatever the source and whether they wait or not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(50)), fc.boolean(), async (rows, isAsync) => {
        const maybe = <U>(value: U) =>
          isAsync && Math.random() < 0.5 ? Promise.resolve(value) : value
        const steps = (source: Iterable<number> | AsyncIterable<number>) =>
          from(source)
            .map((row) => maybe(row + 1))
            .filter((row) => maybe(row % 3 !== 0))
            .flatMap((row) => maybe(Array.from({ length: row % 4 }, () => row)))
            .take(40)
            .toArray()
        const wanted = rows
          .map((row) => row + 1)
          .filter((row) => row % 3 !== 0)
          .flatMap((row) => Array.from({ length: row % 4 }, () => row))
          .slice(0, 40)
        expect(await steps(rows)).toEqual(wanted)
        expect(await steps(iterate(rows))).toEqual(wanted)
      }),
    )
  })

  test('batch makes arrays of the size, across the batches inside', async () => {
    const sizes = (await from(counting(1_234)).batch(100).toArray()).map((rows) => rows.length)
    expect(sizes).toEqual([...Array.from({ length: 12 }, () => 100), 34])
  })

  test('nothing is read before somebody asks', async () => {
    const source = { [Symbol.asyncIterator]: () => expect.unreachable() }
    from(source).map(String).filter(Boolean).batch(2)
  })

  test('take closes the source when it has enough', async () => {
    let closed = 0
    expect(
      await from(counting(1e9, () => closed++))
        .take(3)
        .toArray(),
    ).toEqual([1, 2, 3])
    expect(closed).toBe(1)
  })

  test('a loop that is left early closes the source', async () => {
    let closed = 0
    for await (const row of from(counting(1e9, () => closed++))) if (row === 7) break
    expect(closed).toBe(1)
  })

  test('a row that becomes a million is not held', async () => {
    let most = 0
    const million = from([1]).flatMap(function* () {
      for (let row = 0; row < 1_000_000; row++) yield row
    })
    for await (const rows of million.batches()) most = Math.max(most, rows.length)
    expect(most).toBe(1_000)
  })

  test('a row of a slow source does not wait for the next one', async () => {
    const next = Promise.withResolvers<void>()
    const slow = async function* () {
      yield 1
      await next.promise
      yield 2
    }
    const seen: number[] = []
    await from(slow()).to(async (rows) => {
      seen.push(...rows)
      next.resolve()
    })
    expect(seen).toEqual([1, 2])
  })

  test('calls of next at once get rows in their order', async () => {
    const iterator = lines([Buffer.from('one\ntwo\n'), text])[Symbol.asyncIterator]()
    const calls = Array.from({ length: 5 }, () => iterator.next())
    const values = (await Promise.all(calls)).map(({ value }) => value)
    expect(values).toEqual(['one', 'two', 'one', 'two', 'three'])
    await iterator.return?.()
  })
})

describe('to', () => {
  test('resolves with what the sink closed with, and with the counts', async () => {
    const { journal, rows, sink } = createJournal<string>()
    const delivery = await lines(text).to(sink)
    expect(delivery).toMatchObject({ result: 'result', rows: 4, rejected: 0, bytes: text.length })
    expect(delivery.next).toEqual({ line: 5, byteOffset: text.length })
    expect(rows).toEqual(['one', 'two', 'three', 'four'])
    expect(journal).toEqual(['write 4', 'close'])
  })

  test('hands over exactly batchSize rows', async () => {
    const { journal, sink } = createJournal<number>()
    await from(counting(1_001)).to(sink, { batchSize: 500 })
    expect(journal).toEqual(['write 500', 'write 500', 'write 1', 'close'])
  })

  test.each([
    ['write', { write: () => Promise.reject(new Error('broken')) }],
    ['close', { close: () => Promise.reject(new Error('broken')) }],
  ])('a sink that fails to %s is aborted, and the source closed', async (_what, failing) => {
    let closed = 0
    const { journal, sink } = createJournal<number>(failing)
    await expect(from(counting(2_000, () => closed++)).to(sink)).rejects.toThrow('broken')
    expect(journal.at(-1)).toBe('abort Error: broken')
    expect(closed).toBe(1)
  })

  test('a source that fails aborts the sink', async () => {
    const { journal, sink } = createJournal<number>()
    const torn = async function* () {
      yield 1
      throw new Error('torn')
    }
    await expect(from(torn()).to(sink)).rejects.toThrow('torn')
    expect(journal).toEqual(['write 1', 'abort Error: torn'])
  })

  test('an abort ends it even while the source hangs', async () => {
    const controller = new AbortController()
    const { journal, sink } = createJournal<number>({
      write: async () => void setImmediate(() => controller.abort('stop')),
    })
    const hanging = async function* () {
      yield 1
      await new Promise(() => {})
    }
    await expect(from(hanging()).to(sink, { signal: controller.signal })).rejects.toBe('stop')
    expect(journal).toEqual(['write 1', 'abort stop'])
  })

  test('refuses what is no option, no sink and no source', async () => {
    const { sink } = createJournal<number>()
    const wrong = { batchsize: 1 } as object
    await expect(from([1]).to(sink, wrong)).rejects.toThrow("no option 'batchsize'")
    await expect(from([1]).to(sink, { batchSize: 0 })).rejects.toThrow('batchSize must be')
    await expect(from([1]).to({} as typeof sink)).rejects.toThrow('sink must be')
    await expect(from(1 as never).toArray()).rejects.toThrow('source must be')
    expect(() => lines('x', { encoding: 'ebcdic' as never })).toThrow('encoding must be one of')
    expect(() => lines('x', { maxLineBytes: 0 })).toThrow('maxLineBytes must be')
    await expect(lines(new URL('http://localhost/')).toArray()).rejects.toThrow('a file: URL')
  })
})

describe('rows that fail', () => {
  const odd = (line: string) => {
    if (line === 'two' || line === 'four') throw new Error(`no ${line}`)
    return line
  }

  test('end the run with the line in the error, where nobody takes them', async () => {
    const { journal, sink } = createJournal<string>()
    const failed = lines(text).map(odd).to(sink)
    await expect(failed).rejects.toThrow('line 2 (byte 4): no two')
    await expect(failed).rejects.toBeInstanceOf(RowError)
    await expect(failed).rejects.toMatchObject({
      code: 'HOTPATH_STREAM_ROW_FAILED',
      place: { line: 2, byteOffset: 4 },
      cause: new Error('no two'),
    })
    expect(journal).toHaveLength(1)
  })

  test.each([
    ['map', () => lines(text).map(odd)],
    ['an async map', () => lines(text).map(async (line) => odd(line))],
    ['filter', () => lines(text).filter((line) => odd(line) !== '')],
    ['tap', () => lines(text).tap(odd)],
    ['flatMap', () => lines(text).flatMap((line) => [odd(line)])],
    ['parallel', () => lines(text).parallel(async (line) => odd(line))],
  ])(
    'of %s go to the reject sink, with place and reason, and the others go on',
    async (_step, open) => {
      const rejects = createJournal<RejectedRow>()
      const { rows, sink } = createJournal<unknown>()
      const delivery = await open().to(sink, { rejects: rejects.sink })
      expect(rows).toEqual(['one', 'three'])
      expect(delivery).toMatchObject({ rows: 2, rejected: 2 })
      expect(rejects.rows).toMatchObject([
        { line: 2, byteOffset: 4, reason: 'no two', row: 'two' },
        { line: 4, byteOffset: 14, reason: 'no four', row: 'four' },
      ])
      expect(rejects.journal.at(-1)).toBe('close')
    },
  )

  test('more than maxRejects fail the run; what was rejected is kept', async () => {
    const rejects = createJournal<RejectedRow>()
    const { journal, sink } = createJournal<string>()
    const failed = lines(text).map(odd).to(sink, { rejects: rejects.sink, maxRejects: 1 })
    await expect(failed).rejects.toThrow('line 4 (byte 14): no four; this is one more than the 1')
    expect(rejects.rows).toHaveLength(1)
    expect(rejects.journal.at(-1)).toBe('close')
    expect(journal.at(-1)).toMatch(/^abort/)
  })

  test('a reject sink that fails fails the run', async () => {
    const rejects = createJournal<RejectedRow>({ write: () => Promise.reject(new Error('full')) })
    const { journal, sink } = createJournal<string>()
    await expect(lines(text).map(odd).to(sink, { rejects: rejects.sink })).rejects.toThrow('full')
    expect(journal).toEqual(['abort Error: full'])
  })

  test('a reject sink that cannot be closed is aborted, so that it frees what it holds', async () => {
    const rejects = createJournal<RejectedRow>({ close: () => Promise.reject(new Error('full')) })
    const { journal, sink } = createJournal<string>()
    await expect(lines(text).map(odd).to(sink, { rejects: rejects.sink })).rejects.toThrow('full')
    expect(rejects.journal.at(-1)).toBe('abort Error: full')
    expect(journal.at(-1)).toBe('abort Error: full')
  })
})

describe('places', () => {
  test('after filters, batches and parallel work, going on gives what is missing', async () => {
    const many = Buffer.from(Array.from({ length: 3_000 }, (_, at) => `é line ${at}\r\n`).join(''))
    const open = (place?: Place) =>
      lines(many, { from: place })
        .filter((line) => !line.endsWith('3'))
        .parallel(async (line) => line.toUpperCase(), { concurrency: 7 })
    const wanted = await open().toArray()
    expect(wanted).toHaveLength(2_700)
    let seen = 0
    let checked = 0
    await open().to(
      async (rows, next) => {
        seen += rows.length
        if (checked++ % 10 !== 0) return
        expect(await open(next).toArray()).toEqual(wanted.slice(seen))
      },
      { batchSize: 97 },
    )
    expect(seen).toBe(2_700)
  })
})

describe('progress', () => {
  test('is told by callback and channel, five times a second and at the end', async () => {
    const clock = createManualClock()
    const told: StreamProgress[] = []
    const heard: string[] = []
    const stop = listen('hotpath:stream:progress', ({ stream }) => heard.push(stream))
    const chunks = function* () {
      for (let at = 0; at < 10; at++) yield Buffer.from('a line\n'.repeat(10))
    }
    await lines(chunks()).to(async () => clock.advance(100), {
      clock,
      name: 'import',
      onProgress: (progress) => told.push(progress),
    })
    stop()
    expect(told.map(({ rows }) => rows)).toEqual([20, 40, 60, 80, 100, 100])
    expect(told.at(-1)).toMatchObject({
      bytes: 700,
      totalBytes: undefined,
      rejected: 0,
      elapsedMs: 1_000,
      bytesPerSecond: 700,
      rowsPerSecond: 100,
      next: { line: 101, byteOffset: 700 },
    })
    expect(heard).toEqual(Array.from({ length: 6 }, () => 'import'))
  })
})

async function* iterate<T>(rows: readonly T[]): AsyncGenerator<T> {
  yield* rows
}
