// Runs beside the process that started the servers, holding the other end of a pipe. However that
// process ends (an orderly close, Ctrl-C, `kill -9`), the pipe closes, and the keeper ends the
// servers and removes their folder. It sits in a process group of its own, out of Ctrl-C's reach.
import { readdirSync, readlinkSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { childrenOf, lives, processEntry, signal, type ProcessEntry } from './process-table.ts'
import { until } from './until.ts'

/** What the keeper is told, one JSON text a line: a process to end, and with which signal first. */
export interface KeeperMessage {
  readonly pid: number
  readonly started: string
  readonly signal: NodeJS.Signals
}

await keep(process.argv[2] ?? '')

async function keep(folder: string): Promise<void> {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})
  const guarded: KeeperMessage[] = []
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => guarded.push(JSON.parse(line) as KeeperMessage))
  await new Promise((resolve) => lines.once('close', resolve))

  await Promise.all(guarded.filter(lives).map(end))
  await endAll(processesIn(folder))
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

async function end(server: KeeperMessage): Promise<void> {
  const family = [server, ...childrenOf(server.pid)]
  // A frozen process hears no signal but SIGKILL.
  for (const { pid } of family) signal(pid, 'SIGCONT')
  signal(server.pid, server.signal)
  await until(() => !family.some(lives), 8_000)
  await endAll(family)
}

async function endAll(family: readonly Pick<ProcessEntry, 'pid' | 'started'>[]): Promise<void> {
  for (const process of family.filter(lives)) signal(process.pid, 'SIGKILL')
  await until(() => !family.some(lives), 2_000)
}

/** What was started in the folder but never announced, because we went away in between. */
function processesIn(folder: string): ProcessEntry[] {
  if (process.platform !== 'linux' || folder === '') return []
  return readdirSync('/proc').flatMap((name) => {
    try {
      return readlinkSync(`/proc/${name}/cwd`).startsWith(`${folder}/`)
        ? (processEntry(Number(name)) ?? [])
        : []
    } catch {
      return []
    }
  })
}
