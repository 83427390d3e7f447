import { contentCodings, encodeSync, type CodingLevels, type ContentCoding } from './encode.ts'

/** How long a body may keep the event loop waiting. */
const budgetMs = 1
const leastBytes = 4_096
const mostBytes = 262_144
/** Of a smaller one each byte takes less time than of a body near the limit: zlib looks less far back. */
const sampleBytes = 65_536
/** The fastest counts: others had to share the core, or ran code that was not compiled yet. */
const tries = 5

/**
 * Up to which size a body is compressed on the spot, for each coding: what takes this machine a
 * millisecond. Handing it to a thread costs a few tenths of that, whatever the size.
 */
export type SyncLimits = Readonly<Record<ContentCoding, number>>

/** Measures it: some ten milliseconds, once, with the first body. */
export function measureSyncLimits(levels: CodingLevels): SyncLimits {
  const sample = Buffer.from(sampleText())
  const limits = { br: leastBytes, gzip: leastBytes, zstd: leastBytes }
  for (const coding of contentCodings) {
    let fastestMs = Infinity
    for (let round = 0; round < tries; round++) {
      const startMs = performance.now()
      encodeSync(sample, coding, levels)
      fastestMs = Math.min(fastestMs, performance.now() - startMs)
    }
    const bytes = Math.floor((budgetMs / fastestMs) * sampleBytes)
    limits[coding] = Math.min(mostBytes, Math.max(leastBytes, bytes))
  }
  return limits
}

// What an API answers with: names that repeat, and values that do not.
function sampleText(): string {
  const rows: string[] = []
  for (let id = 1, length = 0; length < sampleBytes; id++) {
    const noise = ((id * 2_654_435_761) % 2 ** 32).toString(36)
    const row = JSON.stringify({
      id: id * 7_919,
      name: `user ${noise}`,
      score: id % 83,
      isOpen: id % 3 > 0,
    })
    rows.push(row)
    length += row.length + 1
  }
  return rows.join(',').slice(0, sampleBytes)
}
