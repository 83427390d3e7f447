import { spawn, type ChildProcess } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { freePort } from './free-port.ts'
import {
  childrenOf,
  hasEnded,
  lives,
  processEntry,
  signal,
  type ProcessEntry,
} from './process-table.ts'
import type { RunMember } from './run.ts'
import { until } from './until.ts'

/** A real server on 127.0.0.1 and what can be done to it. */
export interface Server extends AsyncDisposable {
  readonly port: number
  /** The process that runs now, or ran last. */
  readonly pid: number
  /** Ends it in good order; its data stay. */
  stop(): Promise<void>
  /** The same, but clients that are about to leave may do so. */
  stopGently(): Promise<void>
  /** Ends it and all its children at once, as a power cut would; its data stay as they were. */
  kill(): Promise<void>
  /** Stops all its processes in their tracks: connections stay open and nobody answers. */
  freeze(): Promise<void>
  /** Lets frozen processes go on. */
  thaw(): Promise<void>
  /** Starts it on the same port and data; one that still runs is stopped first. */
  restart(): Promise<void>
  /** Ends it and removes all it has written. */
  close(): Promise<void>
}

/** How one kind of server is run. */
export interface ServerPlan {
  /** As it appears in messages. */
  readonly title: string
  readonly command: string
  readonly commandArguments: (port: number) => string[]
  /** The port that was asked for; undefined takes a free one. */
  readonly port: number | undefined
  readonly folder: string
  readonly logPath: string
  readonly owner: { uid: number; gid: number } | undefined
  /** The signal that ends it in good order. */
  readonly stopSignal: NodeJS.Signals
  /** The signal with which the keeper ends it: quick, but leaving nothing behind. */
  readonly quickSignal: NodeJS.Signals
  /** The signal on which it waits for its clients to go, if it has one. */
  readonly gentleSignal?: NodeJS.Signals
  readonly isReady: (port: number, pid: number) => Promise<boolean>
}

/** Clients that are still there after this are not about to leave. */
const goodbyeMs = 300

/** Starts a server by its plan and waits until it answers. */
export async function startServer(member: RunMember, plan: ServerPlan): Promise<Server> {
  let port = plan.port ?? (await freePort())
  let child: ChildProcess
  for (let attempt = 1; ; attempt++) {
    try {
      child = await launch(member, plan, port)
      break
    } catch (error) {
      // Another process may have taken the port between our look and the server's.
      if (plan.port !== undefined || attempt === 5 || !isBusyPort(error)) throw error
      port = await freePort()
    }
  }

  const server: Server = {
    port,
    get pid() {
      return pidOf(child)
    },
    async stop() {
      if (hasEnded(child)) return
      await server.thaw()
      signal(server.pid, plan.stopSignal)
      if (await until(() => hasEnded(child), 30_000)) return
      await server.kill()
    },
    async kill() {
      if (hasEnded(child)) return
      const family = await freezeFamily(server.pid)
      for (const { pid } of family) signal(pid, 'SIGKILL')
      if (await until(() => hasEnded(child) && !family.some(lives), 10_000)) return
      throw new Error(`${plan.title} (pid ${server.pid}) did not end within 10 s of SIGKILL`)
    },
    async freeze() {
      if (!hasEnded(child)) await freezeFamily(server.pid)
    },
    async thaw() {
      if (hasEnded(child)) return
      for (const { pid } of childrenOf(server.pid)) signal(pid, 'SIGCONT')
      signal(server.pid, 'SIGCONT')
    },
    async restart() {
      await server.stop()
      child = await launch(member, plan, port)
    },
    async stopGently() {
      // A client's `end()` may resolve before the server has heard of it: whoever is about to leave
      // must not be thrown out, which would be an error that nobody listens to any more.
      if (plan.gentleSignal !== undefined && !hasEnded(child)) {
        signal(server.pid, plan.gentleSignal)
        await until(() => hasEnded(child), goodbyeMs)
      }
      await server.stop()
    },
    async close() {
      await server.stopGently()
      await member.leave()
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
  return server
}

async function launch(member: RunMember, plan: ServerPlan, port: number): Promise<ChildProcess> {
  const log = await open(plan.logPath, 'w')
  // In a session of its own, so that Ctrl-C in a terminal does not reach it before us.
  const child = spawn(plan.command, plan.commandArguments(port), {
    cwd: plan.folder,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    ...plan.owner,
  })
  child.unref()
  let failure: Error | undefined
  child.once('error', (error) => (failure = error))
  if (child.pid !== undefined) member.guard(child.pid, plan.quickSignal)
  await log.close()

  const ended = () => failure !== undefined || hasEnded(child)
  const isReady = () => plan.isReady(port, pidOf(child))
  const answered = await until(async () => ended() || (await isReady()), 60_000)
  if (answered && !ended()) return child
  if (child.pid !== undefined) signal(child.pid, 'SIGKILL')
  throw new ServerStartError(
    plan.title,
    port,
    failure?.message ?? (answered ? '' : 'it did not answer within 60 s'),
    await readFile(plan.logPath, 'utf8'),
  )
}

/** A server did not come up. */
class ServerStartError extends Error {
  readonly log: string

  constructor(title: string, port: number, reason: string, log: string) {
    super(`${title} did not start on port ${port}: ${reason || explain(log, port)}`)
    this.log = log
  }
}

/** Stops the parent first, so that no child is born unseen; then its children. */
async function freezeFamily(pid: number): Promise<ProcessEntry[]> {
  const isFrozen = (entry: { pid: number }) => processEntry(entry.pid)?.state !== 'running'
  signal(pid, 'SIGSTOP')
  await until(() => isFrozen({ pid }), 5_000)
  const parent = processEntry(pid)
  const children = childrenOf(pid)
  for (const child of children) signal(child.pid, 'SIGSTOP')
  await until(() => children.every(isFrozen), 5_000)
  return parent === undefined ? children : [parent, ...children]
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the server was never started')
  return child.pid
}

function isBusyPort(error: unknown): boolean {
  return error instanceof ServerStartError && /address already in use/i.test(error.log)
}

function explain(log: string, port: number): string {
  if (/address already in use/i.test(log)) return `another process listens on port ${port}`
  if (/no space left on device/i.test(log)) return 'no space is left on the disk'
  const lines = log.trim().split('\n')
  return lines.findLast((line) => /fatal|error|could not|failed/i.test(line)) ?? lines.at(-1) ?? ''
}
