import type { ManualClock } from '../../../src/core/index.ts'
import type { Answer, AppPlan, Call, Handler, RunningApp } from './app.ts'

/** In what the adapters may differ. */
export interface Differences {
  /** A body that is written in pieces within one turn is one answer, and kept. */
  readonly keepsPieces: boolean
  /** A route that `isPublic` is answered before the app's login. */
  readonly isPublicBeforeLogin: boolean
  /** What the app compresses is sure to be kept, by where it does so. */
  readonly keepsCompressed: Readonly<Record<'before' | 'behind', boolean>>
}

/** What the parts of the suite work with. */
export interface Suite {
  readonly differences: Differences
  /** Runs an app until the end of the test. */
  start(plan: Plan): Promise<StartedApp>
}

/** An app as a test describes it. */
export type Plan = Omit<AppPlan, 'clock' | 'headersFor'> & Partial<Pick<AppPlan, 'headersFor'>>

export interface StartedApp extends RunningApp {
  readonly clock: ManualClock
  /** How many requests have come to the cache step, or were about to. */
  arrivals(): number
}

export const hit = 'hotpath; hit'
export const stored = 'hotpath; fwd=uri-miss; stored'

/** A handler that counts its runs, and the count. */
export function counted(handler: (run: number, call: Call) => Answer | Promise<Answer>): {
  readonly handler: Handler
  readonly runs: () => number
} {
  let runs = 0
  return { handler: (call) => handler(++runs, call), runs: () => runs }
}
