import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Which cores each side of the measurement is kept to, as `taskset -c` writes them. */
export interface Cores {
  /** One core: a Node server has one thread that counts. */
  readonly server: string
  /** All others, for the load. */
  readonly rest: string
}

/**
 * Divides the cores that we may use, so that the load never takes time from the server it measures.
 * PostgreSQL is left to run where there is room: kept to the load's cores, it would slow the naive
 * build down, which works it the hardest. `undefined` where that cannot be done: a single core, no `taskset`, not Linux.
 */
export function divideCores(): Cores | undefined {
  if (process.platform !== 'linux' || spawnSync('taskset', ['--version']).status !== 0) return
  const [server, ...rest] = parseCoreList(allowedCores())
  if (server === undefined || rest.length === 0) return
  return { server: String(server), rest: rest.join(',') }
}

/** Reads a list as Linux writes it: `0-3,8` is 0, 1, 2, 3 and 8. */
export function parseCoreList(list: string): number[] {
  return list
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
}

function allowedCores(): string {
  const status = readFileSync('/proc/self/status', 'utf8')
  return /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? ''
}
