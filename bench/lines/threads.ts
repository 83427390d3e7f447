import { execFile } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { canPin } from '../kit/pinning.ts'

/** What `threads-main.ts` prints: milliseconds of each round. */
interface Times {
  readonly oneMs: readonly number[]
  readonly twoMs: readonly number[]
}

/** How many times as fast two threads are as one: the median of the ratios of each round. */
export async function timesFasterInWorkers(path: string): Promise<number> {
  const main = fileURLToPath(new URL('./threads-main.ts', import.meta.url))
  const node = [process.execPath, main, path]
  // This process is kept to one core, and would say that there is no other; these threads need two.
  const cores = `0-${cpus().length - 1}`
  const [command = '', ...args] = canPin ? ['taskset', '--cpu-list', cores, ...node] : node
  const { stdout } = await promisify(execFile)(command, args)
  const { oneMs, twoMs } = JSON.parse(stdout) as Times
  const ratios = oneMs.map((ms, round) => ms / (twoMs[round] ?? Infinity)).sort((a, b) => a - b)
  const middle = (times: readonly number[]) => [...times].sort((a, b) => a - b)[times.length >> 1]
  console.log(
    `\na CPU-heavy map: ${middle(oneMs)?.toFixed(0)} ms with map, ${middle(twoMs)?.toFixed(0)} ms with inWorkers`,
  )
  return ratios[ratios.length >> 1] ?? 0
}
