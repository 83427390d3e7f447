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

test('a file of any size is read in constant memory', { timeout: 60_000 }, async () => {
  const path = join(folder, 'log.txt')
  const small = await writeLog(path, 16e6)
  const first = await readInChild('arrays', path)
  expect(first.count).toBe(small)
  const large = await writeLog(path, 160e6)
  const second = await readInChild('arrays', path)
  expect(second.count).toBe(large)
  expect(second.peakRssMb).toBeLessThan(first.peakRssMb + 10)
})

test(
  'a single line of 1 GB is one rejected row, in constant memory',
  { timeout: 60_000 },
  async () => {
    const { count, failed, peakRssMb } = await readInChild('long-line', 1e9)
    expect(count).toBe(2)
    expect(failed).toBe('the line is longer than 16777216 bytes (maxLineBytes)')
    // The line is held until it is beyond the limit, which is one of 16 MB, and copied as it grows.
    expect(peakRssMb).toBeLessThan(160)
  },
)
