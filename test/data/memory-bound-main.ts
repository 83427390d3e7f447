// Writes values of ten times the bound into a cache and prints what the process held when the cache
// was full, and at the end.
import { createCache } from '../../src/cache/index.ts'

const boundMb = 64
const valueBytes = 16 * 1024
const perBound = (boundMb * 1024 * 1024) / valueBytes

const cache = createCache<Buffer>({
  memory: { maxEntries: 1_000_000, maxBytes: boundMb * 1024 * 1024 },
})

async function fill(from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at++) {
    await cache.set(`value:${at}`, Buffer.alloc(valueBytes, at))
    if (at % 256 === 0) globalThis.gc?.()
  }
}

function rssMb(): number {
  globalThis.gc?.()
  return process.memoryUsage.rss() / 1024 / 1024
}

await fill(0, 2 * perBound)
const filledMb = rssMb()
await fill(2 * perBound, 8 * perBound)
console.log(JSON.stringify({ boundMb, filledMb, endMb: rssMb() }))
await cache.close()
