import { runClosedLoop, type ClosedLoopFigures, type ClosedLoopJob } from './closed-loop.ts'
import { runOnce, type OnceFigures, type OnceJob } from './once.ts'
import { runOpenLoop, type OpenLoopFigures, type OpenLoopJob } from './open-loop.ts'

/** What the proof asks of the process that sends the load. */
export type LoadJob =
  | ({ kind: 'closed' } & ClosedLoopJob)
  | ({ kind: 'open' } & OpenLoopJob)
  | ({ kind: 'once' } & OnceJob)

/** What it answers: the figures of the job, or why there are none. */
export type LoadAnswer = { figures: LoadFigures } | { error: string }

export type LoadFigures = ClosedLoopFigures | OpenLoopFigures | OnceFigures

// The load has a process of its own, so that neither the proof nor a server pays for sending it.
process.on('message', (job: LoadJob) => {
  run(job).then(
    (figures) => answer({ figures }),
    (error: unknown) => answer({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())

function run(job: LoadJob): Promise<LoadFigures> {
  switch (job.kind) {
    case 'closed':
      return runClosedLoop(job)
    case 'open':
      return runOpenLoop(job)
    case 'once':
      return runOnce(job)
  }
}

function answer(message: LoadAnswer): void {
  process.send?.(message)
}
