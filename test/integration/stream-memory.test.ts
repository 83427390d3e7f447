import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeLog } from '../../bench/lines/log-file.ts'
import { readInChild } from '../../bench/lines/read-in-child.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-stream-memory-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('a file is read within 90 MB, less than it has itself', { timeout: 60_000 }, async () => {
  const path = join(folder, 'log.txt')
  const lines = await writeLog(path, 160e6)
  const { count, peakRssMb } = await readInChild('arrays', path)
  expect(count).toBe(lines)
  expect(peakRssMb).toBeLessThan(90)
})

test('a line of 1 GB is one rejected row, in constant memory', { timeout: 60_000 }, async () => {
  const { count, failed, peakRssMb } = await readInChild('long-line', 1e9)
  expect(count).toBe(2)
  expect(failed).toBe('the line is longer than 16777216 bytes (maxLineBytes)')
  // What is held is one line of at most 16 MB, copied once when it outgrows its room.
  expect(peakRssMb).toBeLessThan(160)
})
