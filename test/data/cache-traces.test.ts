import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { BoundedEntry, createBoundedStore } from '../../src/memo/index.ts'

// Of the policy, what it is chosen for: on no trace much below LRU, on those of applications well
// above it. Hit ratios do not depend on the machine, so this is a test and not a benchmark.

const folder = join(resolve(process.env['HOTPATH_DATA'] ?? '../shared/data'), 'traces')
if (!existsSync(folder)) {
  throw new Error(`There is no ${folder}: HOTPATH_DATA must name the folder with the real data.`)
}

const sizes = [512, 1_000, 2_500, 5_000, 10_000]
const applications = ['web07', 'orm-busy']
const others = ['oltp', 'adaptsize', 'gli', 'loop']

class Entry extends BoundedEntry {}

test('S3-FIFO is above LRU on the traces of applications, and on none far below it', () => {
  const table = [...applications, ...others].flatMap((trace) => {
    const keys = readKeys(trace)
    return sizes.map((size) => {
      const lru = lruRatio(keys, size)
      const own = ownRatio(keys, size)
      return { trace, size, lru, own, gain: own - lru }
    })
  })
  console.table(
    table.map(({ lru, own, gain, ...cell }) => ({
      ...cell,
      lru: lru.toFixed(1),
      own: own.toFixed(1),
      gain: gain.toFixed(2),
    })),
  )
  const gains = table.filter(({ trace }) => applications.includes(trace)).map(({ gain }) => gain)
  const meanGain = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
  console.log(`mean gain on the traces of applications: ${meanGain.toFixed(2)} points`)
  expect(meanGain).toBeGreaterThan(1.8)
  expect(Math.min(...table.map(({ gain }) => gain))).toBeGreaterThan(-1)
}, 240_000)

/** A line is a key, and in `adaptsize` its size behind it. */
function readKeys(trace: string): string[] {
  const text = gunzipSync(readFileSync(join(folder, `${trace}.txt.gz`))).toString('latin1')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ', 1)[0] ?? '')
}

function ownRatio(keys: readonly string[], maxEntries: number): number {
  const store = createBoundedStore<Entry>({ maxEntries })
  let hits = 0
  for (const key of keys) {
    if (store.get(key) !== undefined) hits++
    else store.set(new Entry(key, 0))
  }
  return (100 * hits) / keys.length
}

/** A Set keeps its members in the order of insertion: the first is the least recently used. */
function lruRatio(keys: readonly string[], maxEntries: number): number {
  const recent = new Set<string>()
  let hits = 0
  for (const key of keys) {
    if (recent.delete(key)) hits++
    else if (recent.size >= maxEntries) recent.delete(recent.values().next().value ?? '')
    recent.add(key)
  }
  return (100 * hits) / keys.length
}
