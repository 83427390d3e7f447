// Handlers that run in worker threads.
import { appendFileSync } from 'node:fs'
import { reportProgress } from '../../../src/workers/index.ts'

export function run(input: { n: number }): number {
  reportProgress({ n: input.n })
  return input.n * 2
}

/** Never listens to anything, and leaves a trace as long as it runs: only the end of its thread ends it. */
export function spin(file: string): void {
  for (;;) appendFileSync(file, 'x')
}
