import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { components } from '../core/index.ts'
import { createWorkers } from '../workers/index.ts'
import { from } from './from.ts'
import { lines } from './lines.ts'
import type { RejectedRow } from './rejects.ts'

let folder = ''
let url = new URL('file:///')
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-in-workers-'))
  url = pathToFileURL(join(folder, 'functions.mjs'))
  await writeFile(
    url,
    `export const double = (rows) => rows.map((row) => row * 2)
     export const refuse = (rows) => {
       if (rows.includes('three')) throw new Error('no three')
       return rows.map((row) => row.length)
     }
     export const few = (rows) => rows.slice(1)`,
  )
})
afterAll(() => rm(folder, { recursive: true }))

const numbers = Array.from({ length: 2_345 }, (_, at) => at)

test('works on whole batches in threads, in order, and ends the threads that it made', async () => {
  const doubled = await from(numbers).inWorkers<number>(url, 'double', { maxThreads: 2 }).toArray()
  expect(doubled).toEqual(numbers.map((row) => row * 2))
  expect(components().filter(({ kind }) => kind === 'workers')).toEqual([])
})

test('uses the workers that it is given, and leaves them open', async () => {
  await using workers = createWorkers<{ double(rows: number[]): number[] }>(url, { maxThreads: 1 })
  expect(await from([1, 2]).inWorkers<number>(workers, 'double').toArray()).toEqual([2, 4])
  expect(await from([3]).inWorkers<number>(workers, 'double').take(1).toArray()).toEqual([6])
  expect(await workers.run('double', [4])).toEqual([8])
})

test('a batch on which it throws is rejected row by row, and the next one goes on', async () => {
  const rejected: RejectedRow[] = []
  const chunks = ['one\ntwo\nthr', 'ee\nfour\n', 'five\n'].map((text) => Buffer.from(text))
  const { rows } = await lines(chunks)
    .inWorkers(url, 'refuse', { maxThreads: 1 })
    .to(async () => {}, { rejects: async (rows) => void rejected.push(...rows) })
  expect(rows + rejected.length).toBe(5)
  expect(rejected.map(({ row }) => row)).toContain('three')
  expect(rejected[0]?.reason).toContain('no three')
})

test('a function that returns another number of rows is told', async () => {
  const wrong = from([1, 2]).inWorkers(url, 'few', { maxThreads: 1 }).toArray()
  await expect(wrong).rejects.toThrow('a result for each of the 2 rows')
})
