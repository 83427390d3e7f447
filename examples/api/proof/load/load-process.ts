import { startChild } from '../child-process.ts'
import type { LoadAnswer, LoadJob } from './child.ts'
import type { ClosedLoopFigures, ClosedLoopJob } from './closed-loop.ts'
import type { OnceFigures, OnceJob } from './once.ts'
import type { OpenLoopFigures, OpenLoopJob } from './open-loop.ts'

/** The process that sends the load; one job at a time. */
export interface LoadProcess {
  closedLoop(job: ClosedLoopJob): Promise<ClosedLoopFigures>
  openLoop(job: OpenLoopJob): Promise<OpenLoopFigures>
  once(job: OnceJob): Promise<OnceFigures>
  close(): Promise<void>
}

/** Starts the process that sends the load, kept to the given cores. */
export function startLoadProcess(signal: AbortSignal, cores?: string): LoadProcess {
  const child = startChild(new URL('./child.ts', import.meta.url), { name: 'load process', cores })

  const run = async (job: LoadJob) => {
    signal.throwIfAborted()
    child.send(job)
    const answer = (await child.receive(signal)) as LoadAnswer
    if ('error' in answer) throw new Error(`the load process failed: ${answer.error}`)
    return answer.figures
  }

  return {
    closedLoop: async (job) => (await run({ kind: 'closed', ...job })) as ClosedLoopFigures,
    openLoop: async (job) => (await run({ kind: 'open', ...job })) as OpenLoopFigures,
    once: async (job) => (await run({ kind: 'once', ...job })) as OnceFigures,
    close: child.close,
  }
}
