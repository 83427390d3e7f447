import { setTimeout as delay } from 'node:timers/promises'
import { nowMs } from './accuracy-log.ts'
import { excessOf, type Admission } from './excess.ts'
import type { Quota, Take } from './peers.ts'

const callers = 32

/** What a client gets that knows when the window ends. */
export interface WindowEdge {
  /** Uses within a tenth of a window. */
  readonly within: number
  /** The fullest window, in uses beyond `limit + rate × T`. */
  readonly excess: number
}

/** One use, which begins a window; a pause of 0.92 windows; then as many as there are to be had. */
export async function measureWindowEdge(take: Take, quota: Quota): Promise<WindowEdge> {
  const { limit, windowMs } = quota
  const admissions: Admission[] = []
  const use = async () => {
    const askedMs = nowMs()
    if (await take('edge')) admissions.push({ askedMs, heardMs: nowMs() })
    else await delay(1)
  }
  await use()
  await delay(0.92 * windowMs)
  const untilMs = nowMs() + 0.3 * windowMs
  const caller = async () => {
    while (nowMs() < untilMs) await use()
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return {
    within: mostWithin(admissions, windowMs / 10),
    excess: excessOf(admissions, { burst: limit, perMs: limit / windowMs }),
  }
}

function mostWithin(admissions: readonly Admission[], timeMs: number): number {
  return Math.max(
    ...admissions.map(
      (first) =>
        admissions.filter(
          ({ askedMs, heardMs }) => askedMs >= first.askedMs && heardMs <= first.askedMs + timeMs,
        ).length,
    ),
  )
}
