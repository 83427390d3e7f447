import { HotpathError, type Clock, type Timer } from '../core/index.ts'
import { retryDelayMs, type ResolvedDefinition, type TaskContext } from './definition.ts'
import type { Claim, Execution, Outcome, StopReason } from './engine.ts'
import { describeFailure } from './failure.ts'
import { toJson, type JsonSubject } from './json.ts'
import { ProgressThrottle } from './progress.ts'
import { validate } from './schema.ts'

/** What attempts need of the facade, and tell it. */
export interface AttemptHost {
  readonly clock: Clock
  readonly maxResultBytes: number
  /** The attempt has ended, and its handler goes on. */
  abandoned(attempt: Attempt): void
  /** The handler of an attempt that was abandoned has ended after all. */
  returned(attempt: Attempt): void
  recorded(attempt: Attempt, outcome: Outcome, isStored: boolean): void
}

// What an aborted handler gets to end by itself before nobody waits for it any more.
const graceMs = 250

/** One attempt at a task: calls the handler, and makes of how it ends exactly one outcome. */
export class Attempt implements Execution, TaskContext {
  readonly outcome: Promise<Outcome>
  readonly startedMs: number
  readonly #definition: ResolvedDefinition
  readonly #claim: Claim
  readonly #host: AttemptHost
  readonly #settle: (outcome: Outcome) => void
  #ended: Outcome | undefined
  #hasReturned = false
  #controller: AbortController | undefined
  #abortReason: HotpathError | undefined
  #stopped: StopReason | undefined
  #timer: Timer | undefined
  #progress: ProgressThrottle | undefined

  constructor(definition: ResolvedDefinition, claim: Claim, host: AttemptHost) {
    this.#definition = definition
    this.#claim = claim
    this.#host = host
    this.startedMs = host.clock.monotonicMs()
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.outcome = promise
    this.#settle = resolve
    if (definition.timeoutMs !== false) {
      this.#timer = host.clock.after(definition.timeoutMs, () => this.#timeOut())
    }
    void this.#run()
  }

  get id(): string {
    return this.#claim.id
  }

  get name(): string {
    return this.#definition.name
  }

  get attempt(): number {
    return this.#claim.attempt
  }

  get transaction(): unknown {
    return this.#claim.transaction
  }

  /** Made when it is asked for: most handlers of short tasks never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  // A field, not a method: handlers take it out of their context.
  readonly progress = (value: unknown): void => {
    if (this.#ended !== undefined) return
    const json = toJson(value, {
      ...progressSubject,
      what: `the progress of the task ${this.name}`,
    })
    this.#progress ??= new ProgressThrottle(this.#host.clock, (json) => this.#claim.progress(json))
    this.#progress.tell(json)
  }

  stop(reason: StopReason): void {
    if (this.#hasReturned || this.#ended !== undefined) return
    this.#stopped = reason
    this.#abort(stopError(reason, this.name), { state: 'stopped', reason })
  }

  recorded(isStored: boolean): void {
    if (this.#ended !== undefined) this.#host.recorded(this, this.#ended, isStored)
  }

  async #run(): Promise<void> {
    let outcome: Outcome
    try {
      outcome = { state: 'completed', result: await this.#call() }
    } catch (error) {
      outcome = this.#failed(error)
    }
    if (this.#ended !== undefined) {
      this.#host.returned(this)
      return
    }
    this.#hasReturned = true
    // A store that is slow to take the last progress costs nobody his time limit.
    this.#timer?.cancel()
    await this.#progress?.flush()
    this.#end(outcome)
  }

  async #call(): Promise<string | undefined> {
    const { name, run, input, output } = this.#definition
    let value: unknown = JSON.parse(this.#claim.input)
    if (input !== undefined) {
      value = await validate(
        input,
        value,
        'HOTPATH_TASKS_INPUT_INVALID',
        `the input of the task ${name}`,
      )
    }
    let result = await run(value, this)
    if (output !== undefined) {
      result = await validate(
        output,
        result,
        'HOTPATH_TASKS_RESULT_INVALID',
        `the result of the task ${name}`,
      )
    }
    if (result === undefined) return undefined
    const { maxResultBytes: maxBytes } = this.#host
    return toJson(result, { ...resultSubject, what: `the result of the task ${name}`, maxBytes })
  }

  #failed(error: unknown): Outcome {
    if (this.#stopped !== undefined) return { state: 'stopped', reason: this.#stopped }
    // The abort of a time limit comes back as whatever the handler makes of it: it stays a time-out.
    const cause = this.#abortReason ?? error
    const isFinal = error instanceof HotpathError && finalCodes.has(error.code)
    const retryInMs = isFinal ? undefined : retryDelayMs(this.#definition, this.attempt)
    return { state: 'failed', error: describeFailure(cause), retryInMs }
  }

  #timeOut(): void {
    const { name, timeoutMs } = this.#definition
    const error = new HotpathError(
      'HOTPATH_TASKS_TIMEOUT',
      `the task ${name} ran for longer than its timeoutMs of ${timeoutMs}: hand its signal on to what it waits for, or give it more time`,
    )
    const retryInMs = retryDelayMs(this.#definition, this.attempt)
    this.#abort(error, { state: 'failed', error: describeFailure(error), retryInMs })
  }

  /** Asks the handler to end; what comes of it when it does not within the grace is `otherwise`. */
  #abort(reason: HotpathError, otherwise: Outcome): void {
    if (this.#abortReason !== undefined) return
    this.#abortReason = reason
    this.#timer?.cancel()
    this.#timer = this.#host.clock.after(graceMs, () => {
      this.#host.abandoned(this)
      this.#end(otherwise)
    })
    this.#controller?.abort(reason)
  }

  #end(outcome: Outcome): void {
    if (this.#ended !== undefined) return
    this.#timer?.cancel()
    this.#progress?.close()
    this.#ended = this.#isTooLate(outcome) ? this.#failed(undefined) : outcome
    this.#settle(this.#ended)
  }

  /** A result that comes after the time limit is none; while closing it is welcome. */
  #isTooLate({ state }: Outcome): boolean {
    return state === 'completed' && this.#abortReason !== undefined && this.#stopped !== 'closing'
  }
}

// Where another attempt would find the same.
const finalCodes = new Set<string>(['HOTPATH_TASKS_INPUT_INVALID', 'HOTPATH_TASKS_RESULT_INVALID'])

const progressSubject: Omit<JsonSubject, 'what'> = {
  code: 'HOTPATH_TASKS_RESULT_INVALID',
  maxBytes: 10_000,
  limitName: 'the limit of progress',
}

const resultSubject: Omit<JsonSubject, 'what' | 'maxBytes'> = {
  code: 'HOTPATH_TASKS_RESULT_INVALID',
  limitName: 'maxResultBytes',
}

function stopError(reason: StopReason, name: string): HotpathError {
  switch (reason) {
    case 'cancelled':
      return new HotpathError(
        'HOTPATH_TASKS_CANCELLED',
        `this ${name} task was cancelled: stop working`,
      )
    case 'lost':
      return new HotpathError(
        'HOTPATH_TASKS_LEASE_LOST',
        `the lease on this ${name} task was lost, and another worker may have it: stop working`,
      )
    case 'closing':
      return new HotpathError(
        'HOTPATH_COMPONENT_CLOSED',
        `the process closes, and this ${name} task is handed back: stop working`,
      )
  }
}
