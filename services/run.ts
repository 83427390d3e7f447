import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { KeeperMessage } from './keeper.ts'
import { hasEnded, processEntry } from './process-table.ts'

/** A server's place in the run: its folder, and the keeper that ends it should we go away. */
export interface RunMember {
  /** Private to this process, open to the server's user. */
  readonly folder: string
  /** From now on the keeper ends this process, at first with `signal`, when we are gone. */
  guard(pid: number, signal: NodeJS.Signals): void
  /** Removes the folder; the last member to leave ends the run. */
  leave(): Promise<void>
}

/** Joins the run of this process; the first member opens it. */
export async function joinRun(name: string): Promise<RunMember> {
  current ??= openRun()
  const opening = current
  members++
  try {
    const run = await opening
    const folder = join(run.folder, `${name}-${++madeFolders}`)
    await mkdir(folder)
    await chmod(folder, 0o755)
    let isMember = true
    return {
      folder,
      guard: (pid, signal) => run.tell({ pid, started: processEntry(pid)?.started ?? '', signal }),
      async leave() {
        if (!isMember) return
        isMember = false
        await rm(folder, { recursive: true, force: true })
        await leaveRun(run)
      },
    }
  } catch (error) {
    await leaveRun(await opening.catch(() => undefined))
    throw error
  }
}

interface Run {
  readonly folder: string
  tell(message: KeeperMessage): void
  close(): Promise<void>
}

type Keeper = ChildProcessByStdio<Writable, null, null>

let current: Promise<Run> | undefined
let members = 0
let madeFolders = 0

async function leaveRun(run: Run | undefined): Promise<void> {
  if (--members > 0) return
  current = undefined
  await run?.close()
}

async function openRun(): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-')).catch((cause: unknown) => {
    throw new Error(`No private folder could be made in ${tmpdir()}: ${String(cause)}`, { cause })
  })
  // A server may have to run as another user, who needs to pass through here but not to look around.
  await chmod(folder, 0o711)
  const keeper = startKeeper(folder)
  return {
    folder,
    tell: (message) => void keeper.stdin.write(`${JSON.stringify(message)}\n`),
    async close() {
      keeper.ref()
      const ended = hasEnded(keeper) ? undefined : once(keeper, 'exit')
      keeper.stdin.end()
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function startKeeper(folder: string): Keeper {
  const keeper = spawn(
    process.execPath,
    [fileURLToPath(new URL('./keeper.ts', import.meta.url)), folder],
    {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env['PATH'] },
    },
  )
  // Without a keeper the servers still end with an orderly close(); that is no reason to fail.
  keeper.on('error', () => {})
  keeper.stdin.on('error', () => {})
  // Neither the process nor the pipe to it holds us open.
  keeper.unref()
  if (keeper.stdin instanceof Socket) keeper.stdin.unref()
  return keeper
}
