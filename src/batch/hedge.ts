import type { Clock } from '../core/index.ts'
import type { Attempt } from './attempt.ts'
import type { Answer } from './exchange.ts'

/** How {@link runHedged} decides. */
export interface HedgeOptions {
  readonly clock: Clock
  readonly hedgeAfterMs: number
  /** Whether a second request may be sent now; it is counted as sent. */
  readonly mayHedge: () => boolean
  /** Whether an answer is worth taking while another may still come. */
  readonly isGood: (answer: Answer) => boolean
}

/**
 * Runs an attempt, and a second one beside it when the first takes long: the first good answer counts,
 * and the other attempt is aborted (Dean and Barroso, "The Tail at Scale", 2013).
 */
export function runHedged(
  makeAttempt: () => Attempt,
  { clock, hedgeAfterMs, mayHedge, isGood }: HedgeOptions,
): Promise<Answer> {
  const outcome = Promise.withResolvers<Answer>()
  const running = new Set<Attempt>()
  const settle = (): void => {
    timer.cancel()
    for (const other of running) other.abort(overtaken)
    running.clear()
  }
  const launch = (): void => {
    const attempt = makeAttempt()
    running.add(attempt)
    attempt.run().then(
      (answer) => {
        running.delete(attempt)
        if (!isGood(answer) && running.size > 0) return
        settle()
        outcome.resolve(answer)
      },
      (error: unknown) => {
        running.delete(attempt)
        if (running.size > 0) return
        settle()
        outcome.reject(error)
      },
    )
  }
  const timer = clock.after(hedgeAfterMs, () => {
    if (mayHedge()) launch()
  })
  launch()
  return outcome.promise
}

const overtaken = new Error('another attempt was faster')
