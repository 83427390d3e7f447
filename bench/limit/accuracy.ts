import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createClient } from 'redis'
import { nowMs, readAdmissions, type AccuracyWork } from './accuracy-log.ts'
import { excessOf, type Admission } from './excess.ts'

export interface AccuracyRun extends Pick<AccuracyWork, 'url' | 'policy' | 'keys'> {
  readonly processes: number
  readonly durationMs: number
}

export interface Accuracy {
  readonly admitted: number
  /** How many could have been let through: whole uses of each key. */
  readonly ideal: number
  /** What is missing to that, as a part of it. */
  readonly underUse: number
  /** The fullest window of any key, in uses beyond `burst + rate × T`. */
  readonly excess: number
}

const main = fileURLToPath(new URL('./accuracy-main.ts', import.meta.url))
const fiveMinutesMs = 300_000

/**
 * Several processes want more of each key than it has. One of them has a clock that is five minutes
 * ahead, one is killed in the middle, and Redis loses its scripts.
 */
export async function measureAccuracy(run: AccuracyRun): Promise<Accuracy> {
  const { url, policy, keys, processes, durationMs } = run
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-accuracy-'))
  const files = Array.from({ length: processes }, (_, at) => join(folder, `${at}.log`))
  const children: ChildProcess[] = []
  const redis = await createClient({ url }).connect()
  try {
    for (const [at, file] of files.entries()) {
      const clockAheadMs = at === 1 ? fiveMinutesMs : 0
      const work: AccuracyWork = { url, name: folder, policy, keys, file, clockAheadMs }
      const child = fork(main, [JSON.stringify(work)])
      children.push(child)
      await once(child, 'message')
    }
    const untilMs = nowMs() + durationMs
    for (const child of children) child.send(untilMs)
    const ended = children.map((child) => once(child, 'exit'))
    await delay(durationMs / 2)
    children[0]?.kill('SIGKILL')
    await delay(durationMs / 6)
    await redis.sendCommand(['SCRIPT', 'FLUSH'])
    await Promise.all(ended)

    const byKey = new Map<number, Admission[]>()
    for (const file of files) readAdmissions(await readFile(file), byKey)
    return judge(byKey, policy, untilMs)
  } finally {
    for (const child of children) child.kill('SIGKILL')
    redis.destroy()
    await rm(folder, { recursive: true, force: true })
  }
}

function judge(
  byKey: ReadonlyMap<number, readonly Admission[]>,
  { limit, windowMs, burst }: AccuracyWork['policy'],
  untilMs: number,
): Accuracy {
  const perMs = limit / windowMs
  let admitted = 0
  let ideal = 0
  let excess = -Infinity
  for (const admissions of byKey.values()) {
    const firstMs = admissions.reduce((ms, { askedMs }) => Math.min(ms, askedMs), Infinity)
    admitted += admissions.length
    ideal += Math.floor(burst + perMs * (untilMs - firstMs))
    excess = Math.max(excess, excessOf(admissions, { burst, perMs }))
  }
  return { admitted, ideal, underUse: 1 - admitted / ideal, excess }
}
