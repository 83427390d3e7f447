import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createCache } from '../../src/cache/index.ts'

const folder = join(resolve(process.env['HOTPATH_DATA'] ?? '../shared/data'), 'traces')

/** Web objects in the order in which they were asked for, with their sizes. */
function readSizes(): { key: string; bytes: number }[] {
  const text = gunzipSync(readFileSync(join(folder, 'adaptsize.txt.gz'))).toString('latin1')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [key = '', bytes = '0'] = line.split(' ')
      return { key, bytes: Number(bytes) }
    })
}

test('memory is filled to the bound on bytes, and never above it', async () => {
  const objects = readSizes()
  const maxBytes = 8 * 1024 * 1024
  await using cache = createCache<Buffer>({ memory: { maxEntries: 1_000_000, maxBytes } })
  let most = 0
  let kept = 0
  for (const { key, bytes } of objects) {
    if (cache.peek(key) !== undefined) continue
    await cache.set(key, Buffer.allocUnsafeSlow(bytes))
    const { memory } = cache.stats()
    most = Math.max(most, memory?.bytes ?? 0)
    kept = memory?.bytes ?? 0
  }
  expect(most).toBeLessThanOrEqual(maxBytes)
  expect(kept).toBeGreaterThan(0.95 * maxBytes)
})

test('and what the process takes stays flat, ten times the bound over', async () => {
  const main = fileURLToPath(new URL('./memory-bound-main.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', main])
  const { boundMb, filledMb, endMb } = JSON.parse(stdout) as Record<string, number>
  // Once full, nothing more is held than an allocator keeps for later.
  expect(endMb).toBeLessThan((filledMb ?? 0) + 0.25 * (boundMb ?? 0))
  expect(filledMb).toBeGreaterThan(boundMb ?? Infinity)
})
