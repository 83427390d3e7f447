// Prints how long a CPU-heavy map takes in this thread and in two others: `node threads-main.ts FILE`.
import { lines } from 'hotpath/stream'
import { createWorkers } from 'hotpath/workers'
import { hashLine, type hashAll } from './hash.ts'

const lineCount = 20_000
const rounds = 5

const path = process.argv[2] ?? ''
const workers = createWorkers<{ hashAll: typeof hashAll }>(new URL('./hash.ts', import.meta.url), {
  name: 'hash',
  minThreads: 2,
  maxThreads: 2,
})

async function timed(work: () => Promise<string[]>): Promise<{ ms: number; hashes: string[] }> {
  const startMs = performance.now()
  const hashes = await work()
  return { ms: performance.now() - startMs, hashes }
}

const input = () => lines(path).take(lineCount)
const oneMs: number[] = []
const twoMs: number[] = []
for (let round = -1; round < rounds; round++) {
  const one = await timed(() => input().map(hashLine).toArray())
  const two = await timed(() => input().inWorkers<string>(workers, 'hashAll').toArray())
  if (one.hashes.join() !== two.hashes.join()) throw new Error('the threads found other hashes')
  // The first round warms up.
  if (round < 0) continue
  oneMs.push(one.ms)
  twoMs.push(two.ms)
}
await workers.close()
console.log(JSON.stringify({ oneMs, twoMs }))
