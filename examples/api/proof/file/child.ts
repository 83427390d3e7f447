// Counts the lines of a file in one of three ways, in a process of its own, so that what it takes can
// be told: `child.ts naive|usual|hotpath FILE`.
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { lines } from 'hotpath/stream'
import type { BuildName } from '../../api/contract.ts'

/** What the reading came to. */
export interface FileFigures {
  readonly lines: number
  readonly durationMs: number
  readonly peakBytes: number
}

const ways: Record<BuildName, (path: string) => Promise<number>> = {
  async naive(path) {
    const text = await readFile(path, 'utf8')
    return text.trimEnd().split('\n').length
  },
  async usual(path) {
    let count = 0
    const reader = createInterface({ input: createReadStream(path), crlfDelay: Infinity })
    reader.on('line', () => count++)
    await once(reader, 'close')
    return count
  },
  async hotpath(path) {
    let count = 0
    for await (const batch of lines(path).batches()) count += batch.length
    return count
  },
}

const [, , way, path = ''] = process.argv
const startMs = performance.now()
const count = await ways[way as BuildName](path)
const figures: FileFigures = {
  lines: count,
  durationMs: performance.now() - startMs,
  peakBytes: process.resourceUsage().maxRSS * 1_024,
}
process.send?.(figures, () => process.disconnect())
