import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTasks, sqliteEngine } from 'hotpath/tasks'

/** Medians of one round, in milliseconds. */
export interface EnqueueLatency {
  readonly bareMs: number
  readonly enqueueMs: number
  /** What one enqueue writes, and the bare write therefore too. */
  readonly bytes: number
}

/** One enqueue after the other, in turns with a bare write and fsync of as many bytes beside it. */
export async function measureEnqueue(times: number): Promise<EnqueueLatency> {
  const folder = mkdtempSync(join(tmpdir(), 'hotpath-enqueue-'))
  const file = join(folder, 'tasks.db')
  const tasks = createTasks({ engine: sqliteEngine({ file }) })
  const empty = tasks.define('empty', { run: (input: { n: number }) => input })
  const bare = openSync(join(folder, 'bare'), 'w')
  for (let n = 0; n < 20; n++) await empty.enqueue({ n })
  // While the log still grows: later it begins anew from time to time.
  const before = statSync(`${file}-wal`).size
  for (let n = 0; n < 20; n++) await empty.enqueue({ n })
  const bytes = Math.round((statSync(`${file}-wal`).size - before) / 20)
  const page = Buffer.alloc(bytes, 1)
  for (let n = 0; n < 30; n++) await empty.enqueue({ n })
  const bareTimes: number[] = []
  const enqueueTimes: number[] = []
  for (let n = 0; n < times; n++) {
    const startMs = performance.now()
    writeSync(bare, page)
    fsyncSync(bare)
    const betweenMs = performance.now()
    await empty.enqueue({ n })
    bareTimes.push(betweenMs - startMs)
    enqueueTimes.push(performance.now() - betweenMs)
  }
  closeSync(bare)
  await tasks.close()
  rmSync(folder, { recursive: true })
  return { bareMs: median(bareTimes), enqueueMs: median(enqueueTimes), bytes }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
