import { runClosedLoop, type ClosedLoopFigures, type ClosedLoopJob } from './closed-loop.ts'
import { runOpenLoop, type OpenLoopFigures, type OpenLoopJob } from './open-loop.ts'

/** What the proof asks of the process that sends the load. */
export type LoadJob = ({ kind: 'closed' } & ClosedLoopJob) | ({ kind: 'open' } & OpenLoopJob)

/** What it answers: the figures of the job, or why there are none. */
export type LoadAnswer = { figures: ClosedLoopFigures | OpenLoopFigures } | { error: string }

// The load has a process of its own, so that neither the proof nor a server pays for sending it.
process.on('message', (job: LoadJob) => {
  const figures = job.kind === 'closed' ? runClosedLoop(job) : runOpenLoop(job)
  figures.then(
    (value) => answer({ figures: value }),
    (error: unknown) => answer({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())

function answer(message: LoadAnswer): void {
  process.send?.(message)
}
