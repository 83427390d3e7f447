import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Who runs where: a contender has one core for itself, the load and the services the others. */
export type Role = 'contender' | 'load'

const cores = availableParallelism()

/** Whether processes can be bound to cores: on Linux, with util-linux, and at least two cores. */
export const canPin: boolean = cores > 1 && hasUtilLinux()

/**
 * The command that runs `command` on the cores of its role, and ends with this process even where
 * it is stopped and this one killed.
 */
export function pinned(
  role: Role,
  [command, ...args]: readonly [string, ...string[]],
): [string, string[]] {
  return canPin
    ? ['setpriv', ['--pdeathsig', 'KILL', 'taskset', '--cpu-list', coresOf(role), command, ...args]]
    : [command, args]
}

/** Binds this process, and those it starts from now on, to the cores of the load. */
export function pinThisProcess(): void {
  if (!canPin) return
  const args = ['--all-tasks', '--pid', '--cpu-list', coresOf('load'), String(process.pid)]
  execFileSync('taskset', args, { stdio: 'ignore' })
}

function coresOf(role: Role): string {
  return role === 'contender' ? '0' : `1-${cores - 1}`
}

function hasUtilLinux(): boolean {
  try {
    for (const tool of ['taskset', 'setpriv'])
      execFileSync(tool, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
