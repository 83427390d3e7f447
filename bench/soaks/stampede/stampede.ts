import { Herd } from './herd.ts'
import type { Beginning } from './messages.ts'

/** How a stampede is run. */
export interface StampedeOptions extends Beginning {
  readonly processes: number
  readonly callers: number
  readonly keys: number
  /** Of so many keys, the process that loads one is killed. */
  readonly keysPerKill: number
  readonly progress?: (done: number) => void
}

/** What came of it. */
export interface StampedeOutcome {
  readonly calls: number
  readonly loads: number
  readonly kills: number
  /** Keys that were loaded more often than once for each process that lived to load them. */
  readonly repeatedLoads: number
  readonly worstTakeoverMs: number
  readonly failures: readonly string[]
}

/**
 * Lets all callers of all processes ask for one cold key after the other. For some of them, the
 * process that loads it is killed while it does.
 */
export async function stampede(options: StampedeOptions): Promise<StampedeOutcome> {
  const { processes, callers, keys, keysPerKill, progress } = options
  const failures: string[] = []
  let calls = 0
  let loads = 0
  let kills = 0
  let repeatedLoads = 0
  let worstTakeoverMs = 0
  await using herd = await Herd.start(options, processes)
  for (let index = 1; index <= keys; index++) {
    const key = `key-${index}`
    const isHolderKilled = index % keysPerKill === 0
    const expected = isHolderKilled ? 2 : 1
    const outcome = await herd.ask(key, callers, isHolderKilled)
    calls += processes * callers
    loads += outcome.loads
    if (isHolderKilled) kills++
    if (outcome.loads !== expected) repeatedLoads++
    worstTakeoverMs = Math.max(worstTakeoverMs, outcome.takeoverMs)
    if (outcome.loads !== expected || outcome.values.size !== 1 || outcome.failures > 0) {
      failures.push(
        `${key}: ${outcome.loads} loads instead of ${expected}, ` +
          `${outcome.values.size} different values, ${outcome.failures} errors`,
      )
    }
    progress?.(calls)
  }
  return { calls, loads, kills, repeatedLoads, worstTakeoverMs, failures }
}
