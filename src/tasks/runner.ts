import { eventChannel, type HotpathEvents } from '../core/index.ts'
import { allOf } from './all-of.ts'
import { Attempt, type AttemptHost } from './attempt.ts'
import type { ResolvedDefinition } from './definition.ts'
import type { EngineHost, Outcome, TaskState, Work } from './engine.ts'
import type { ResolvedTasksOptions } from './options.ts'
import type { TasksStats } from './task.ts'

const states = eventChannel('hotpath:tasks:state')
const troubles = eventChannel('hotpath:tasks:trouble')

/** Runs the attempts of this process, counts them and tells of them. */
export class Runner implements EngineHost, AttemptHost {
  readonly clock: ResolvedTasksOptions['clock']
  readonly maxResultBytes: number
  readonly #options: ResolvedTasksOptions
  readonly #wake: (id: string) => void
  readonly #works: Work[] = []
  readonly #running = new Map<string, Attempt>()
  readonly #abandoned = new Set<Attempt>()
  readonly #started = new Set<string>()
  #completed = 0
  #retried = 0
  #failed = 0
  #fenced = 0
  #handedBack = 0
  #troubles = 0

  constructor(options: ResolvedTasksOptions, wake: (id: string) => void) {
    this.#options = options
    this.clock = options.clock
    this.maxResultBytes = options.maxResultBytes
    this.#wake = wake
  }

  /** Begins to run tasks: after a failure those that it has not begun with. */
  async start(definitions: Iterable<ResolvedDefinition>): Promise<void> {
    const missing = [...definitions].filter(({ name }) => !this.#started.has(name))
    await allOf(missing.map((one) => this.#work(one)))
  }

  async stop(drainTimeoutMs: number): Promise<void> {
    await allOf(this.#works.map((work) => work.stop(drainTimeoutMs)))
  }

  onTrouble(operation: string, error: unknown): void {
    this.#troubles++
    if (troubles.hasSubscribers) troubles.publish({ tasks: this.#options.name, operation, error })
  }

  /** Does something in the background: its error is told as trouble, and thrown again. */
  async attend<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.onTrouble(operation, error)
      throw error
    }
  }

  announce(change: StateChange): void {
    if (!states.hasSubscribers) return
    const { durationMs, error } = change
    states.publish({ ...change, tasks: this.#options.name, durationMs, error })
  }

  announceCancelled(id: string, name: string): void {
    const attempt = this.#running.get(id)?.attempt ?? 0
    this.announce({ id, name, state: 'cancelled', attempt })
  }

  abandoned(attempt: Attempt): void {
    this.#abandoned.add(attempt)
  }

  returned(attempt: Attempt): void {
    this.#abandoned.delete(attempt)
  }

  recorded(attempt: Attempt, outcome: Outcome, isStored: boolean): void {
    const { id, name } = attempt
    if (this.#running.get(id) === attempt) this.#running.delete(id)
    if (outcome.state === 'stopped') {
      if (outcome.reason === 'closing') this.#handedBack++
      else this.#fenced++
    } else if (isStored) {
      const durationMs = this.clock.monotonicMs() - attempt.startedMs
      const change = { id, name, attempt: attempt.attempt, durationMs }
      this.announce({ ...change, ...this.#count(outcome) })
    } else this.#fenced++
    this.#wake(id)
  }

  stats(): Omit<TasksStats, 'engine' | 'enqueued'> {
    return {
      running: this.#running.size,
      completed: this.#completed,
      retried: this.#retried,
      failed: this.#failed,
      fenced: this.#fenced,
      handedBack: this.#handedBack,
      abandoned: this.#abandoned.size,
      troubles: this.#troubles,
    }
  }

  async #work(definition: ResolvedDefinition): Promise<void> {
    const { name, concurrency, rate, transactional, timeoutMs } = definition
    const limitMs = timeoutMs === false ? undefined : timeoutMs
    const settings = { name, concurrency, rate, transactional, timeoutMs: limitMs }
    const work = await this.#options.engine.work(settings, (claim) => {
      const attempt = new Attempt(definition, claim, this)
      this.#running.set(claim.id, attempt)
      this.announce({ id: claim.id, name, state: 'processing', attempt: claim.attempt })
      return attempt
    })
    this.#works.push(work)
    this.#started.add(name)
  }

  #count(outcome: Exclude<Outcome, { state: 'stopped' }>): { state: TaskState; error?: unknown } {
    if (outcome.state === 'completed') {
      this.#completed++
      return { state: 'completed' }
    }
    const { error, retryInMs } = outcome
    if (retryInMs !== undefined) {
      this.#retried++
      return { state: 'queued', error }
    }
    this.#failed++
    return { state: 'failed', error }
  }
}

type StateEvent = HotpathEvents['hotpath:tasks:state']
type StateChange = Omit<StateEvent, 'tasks' | 'durationMs' | 'error'> &
  Partial<Pick<StateEvent, 'durationMs' | 'error'>>
