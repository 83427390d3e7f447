import { execFileSync, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** A living process of this machine. Together, `pid` and `started` name one for good: pids recur. */
export interface ProcessEntry {
  readonly pid: number
  readonly parentPid: number
  readonly started: string
  readonly state: 'frozen' | 'running'
}

/** The process with this pid; undefined when it has ended, reaped or not. */
export function processEntry(pid: number): ProcessEntry | undefined {
  return onLinux ? fromProc(String(pid)) : fromPs().find((entry) => entry.pid === pid)
}

/** The processes that this one has started. */
export function childrenOf(pid: number): ProcessEntry[] {
  const all = onLinux
    ? readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(fromProc)
    : fromPs()
  return all.filter((entry) => entry !== undefined && entry.parentPid === pid) as ProcessEntry[]
}

/** True while this very process lives, and not another that got its pid. */
export function lives(entry: Pick<ProcessEntry, 'pid' | 'started'>): boolean {
  return processEntry(entry.pid)?.started === entry.started
}

/** True for a child of ours that ran to its end, or never began. */
export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

/** Sends a signal; false when the process was gone already. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

const onLinux = process.platform === 'linux'

function fromProc(pid: string): ProcessEntry | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The second field is the command in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return entryOf(pid, fields[1], fields[0], fields[19])
}

function fromPs(): ProcessEntry[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,lstart='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .flatMap(
      ([pid, parent, state, ...started]) => entryOf(pid, parent, state, started.join(' ')) ?? [],
    )
}

function entryOf(
  pid: string | undefined,
  parentPid: string | undefined,
  state: string | undefined,
  started: string | undefined,
): ProcessEntry | undefined {
  if (!pid || !state || !started || /^[ZXx]/.test(state)) return undefined
  return {
    pid: Number(pid),
    parentPid: Number(parentPid),
    started,
    state: /^[Tt]/.test(state) ? 'frozen' : 'running',
  }
}
