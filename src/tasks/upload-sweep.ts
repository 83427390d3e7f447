import { createHash } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

// Of the machine, because the same folder may be mounted in several containers, each with a process 1.
const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)

/** A part of another machine, about whose processes nothing is known, that nobody has added to. */
const foreignPartAgeMs = 86_400_000

const part = /^\.[0-9a-f]{32}\.([0-9a-f]{8})\.(\d+)\.part$/
const whole = /^[0-9a-f]{32}$/

/** The name of an upload that is not yet there as a whole; it says who is writing it. */
export function partName(id: string): string {
  return `.${id}.${host}.${process.pid}.part`
}

/** Whether it may be the id of an upload; what comes from outside may be anything. */
export function isUploadId(id: unknown): id is string {
  return typeof id === 'string' && whole.test(id)
}

/**
 * Deletes what processes that were killed have left half written, and uploads that are too old.
 *
 * @returns how many files that were
 */
export async function sweep(
  folder: string,
  { maxAgeMs, nowMs }: { maxAgeMs: number | false; nowMs: number },
): Promise<number> {
  const startedMs = nowMs - process.uptime() * 1_000
  const isLeftOver = (name: string, modifiedMs: number) => {
    if (whole.test(name)) return maxAgeMs !== false && modifiedMs < nowMs - maxAgeMs
    const [, partHost, pid] = part.exec(name) ?? []
    if (partHost === undefined) return false
    if (partHost !== host) return modifiedMs < nowMs - foreignPartAgeMs
    // A process may have the number of one that is gone; in a container it often has.
    return Number(pid) === process.pid ? modifiedMs < startedMs : !isAlive(Number(pid))
  }
  let swept = 0
  for (const name of await readdir(folder)) {
    const file = join(folder, name)
    const found = await stat(file).catch(() => undefined)
    if (found === undefined || !isLeftOver(name, found.mtimeMs)) continue
    await rm(file, { force: true })
    swept++
  }
  return swept
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}
