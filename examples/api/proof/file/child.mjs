// Counts the lines of a file in one of three ways, in a process of its own, so that what it takes can
// be told: `child.mjs naive|usual|hotpath FILE`. JavaScript, because what Node needs to run TypeScript would
// count as well.
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

const ways = {
  /** @param {string} path */
  async naive(path) {
    const text = await readFile(path, 'utf8')
    return text.trimEnd().split('\n').length
  },
  /** @param {string} path */
  async usual(path) {
    let count = 0
    const reader = createInterface({ input: createReadStream(path), crlfDelay: Infinity })
    reader.on('line', () => count++)
    await once(reader, 'close')
    return count
  },
  /** @param {string} path */
  async hotpath(path) {
    const { lines } = await import('hotpath/stream')
    let count = 0
    for await (const batch of lines(path).batches()) count += batch.length
    return count
  },
}

const [, , way = '', path = ''] = process.argv
const startMs = performance.now()
const lines = await ways[/** @type {keyof typeof ways} */ (way)](path)
const durationMs = performance.now() - startMs
const peakBytes = await peakRssBytes()
process.send?.({ lines, durationMs, peakBytes }, () => process.disconnect())

// What the system calls the peak of a process begins with that of the one that started it; Linux tells its own.
async function peakRssBytes() {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const own = /VmHWM:\s+(\d+)/.exec(status)?.[1]
  return (own === undefined ? process.resourceUsage().maxRSS : Number(own)) * 1_024
}
