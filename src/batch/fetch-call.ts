import type { Aborts } from './aborts.ts'
import { Attempt, type AttemptOptions } from './attempt.ts'
import { parseBody } from './body.ts'
import { budgetsOf, type ServerBudgets } from './budget.ts'
import type { Answer } from './exchange.ts'
import { FetchError } from './fetch-error.ts'
import type { ResolvedFetchOptions } from './fetch-options.ts'
import { placeOf, type Target } from './fetch-request.ts'
import { runHedged } from './hedge.ts'
import type { HostGate } from './host-gate.ts'
import { pause } from './pause.ts'
import { backoffMs, mayAskAgain, mayBeOverload, mayRetry } from './retry.ts'
import { retryAfterMs } from './retry-after.ts'

/** What the calls of one run share. */
export interface CallContext {
  readonly options: ResolvedFetchOptions
  readonly attempt: AttemptOptions
  readonly aborts: Aborts
  readonly gate: HostGate | undefined
}

/** One request with its retries and its hedge, from the first attempt to the value or the error. */
export class FetchCall {
  /** Requests that were sent. */
  attempts = 0
  /** The status of the last answer. */
  status: number | undefined
  readonly #target: Target
  readonly #context: CallContext
  readonly #budgets: ServerBudgets
  #isSent = false

  constructor(target: Target, context: CallContext) {
    this.#target = target
    this.#context = context
    this.#budgets = budgetsOf(target.url.origin)
  }

  /** @throws FetchError, or the reason of an abort */
  async run(): Promise<unknown> {
    const { options, aborts } = this.#context
    if (options.retryBudgetRatio !== false) this.#budgets.retries.deposit(options.retryBudgetRatio)
    if (options.hedgeAfterMs !== undefined) this.#budgets.hedges.deposit(maxHedgeRatio)
    for (let round = 1; ; round++) {
      let waitMs: number | undefined
      let error: unknown
      try {
        const answer = await this.#ask()
        this.status = answer.status
        if (answer.status >= 200 && answer.status < 300) {
          return await parseBody(options.parse, this.#target, answer)
        }
        waitMs = retryAfterMs(answer.headers, options.clock)
        error = this.#refused(answer, waitMs)
        if (!mayAskAgain(this.#target, answer)) throw error
      } catch (caught) {
        if (caught === error || !mayRetry(this.#target, caught, this.#isSent)) throw caught
        error = caught
      }
      if (!this.#hasRetryLeft(round, waitMs)) throw error
      await pause(options.clock, backoffMs(round, waitMs), aborts)
    }
  }

  async #ask(): Promise<Answer> {
    const { gate } = this.#context
    if (gate === undefined) return this.#attempt()
    const pass = await gate.enter(this.#target.url.origin)
    let isOverloaded = false
    try {
      const answer = await this.#attempt()
      isOverloaded = answer.status === 429 || answer.status === 503
      return answer
    } catch (error) {
      isOverloaded = mayBeOverload(error)
      throw error
    } finally {
      pass.leave(isOverloaded)
    }
  }

  #attempt(): Promise<Answer> {
    const { hedgeAfterMs, clock } = this.#context.options
    const { method } = this.#target
    if (hedgeAfterMs === undefined || (method !== 'GET' && method !== 'HEAD')) {
      return this.#send()
    }
    return runHedged(() => this.#makeAttempt(), {
      clock,
      hedgeAfterMs,
      mayHedge: () => this.#budgets.hedges.take(),
      isGood: (answer) => !mayAskAgain(this.#target, answer),
    })
  }

  async #send(): Promise<Answer> {
    const attempt = this.#makeAttempt()
    try {
      return await attempt.run()
    } finally {
      this.#isSent ||= attempt.isSent
    }
  }

  #makeAttempt(): Attempt {
    this.attempts++
    return new Attempt(this.#target, this.#context.attempt)
  }

  #hasRetryLeft(round: number, waitMs: number | undefined): boolean {
    const { retries, retryBudgetRatio, maxRetryAfterMs } = this.#context.options
    if (round > retries || (waitMs ?? 0) > maxRetryAfterMs) return false
    return retryBudgetRatio === false || this.#budgets.retries.take()
  }

  #refused({ status, body }: Answer, waitMs: number | undefined): FetchError {
    const again = waitMs === undefined ? '' : `; it asks to be left alone for ${waitMs} ms`
    return new FetchError(
      'HOTPATH_BATCH_STATUS',
      `${this.#target.method} ${placeOf(this.#target)} was answered with ${status}${again}`,
      { status, body: body.toString('utf8', 0, 4_000).slice(0, 1_000), retryAfterMs: waitMs },
    )
  }
}

const maxHedgeRatio = 0.05
