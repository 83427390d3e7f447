import { systemClock, type Timer } from '../../core/index.ts'
import type { EngineHost, Execute, Work, WorkSettings } from '../engine.ts'
import { databaseOver, type PgBoss } from './pg-boss.ts'
import { PostgresAttempt, type AttemptHome, type ClaimedJob } from './attempt.ts'
import type { PostgresLeases } from './leases.ts'
import type { PostgresTaskPool, PostgresTransaction } from './options.ts'
import { PostgresSettler } from './settler.ts'
import type { PostgresStore } from './store.ts'
import { inTransaction } from './transaction.ts'

// How long the outcomes of what was stopped may take to be stored. A server that does not answer for
// longer is left: a pool without deadlines of its own would wait for it for ever.
const letGoMs = 5_000

export interface PostgresWorkHost {
  readonly boss: PgBoss
  readonly store: PostgresStore
  readonly pool: PostgresTaskPool
  readonly leases: PostgresLeases
  readonly host: EngineHost
  readonly pollMs: number
}

/**
 * Claims tasks of one name and runs them. pg-boss' own `work` waits for the slowest job of a batch
 * before it completes the others and claims more; here each free place is filled at once, and one
 * statement at a time claims for all places that have become free meanwhile.
 */
export class PostgresWork implements Work {
  readonly #host: PostgresWorkHost
  readonly #settings: WorkSettings
  readonly #home: AttemptHome
  readonly #running = new Set<PostgresAttempt>()
  #unsettledCount = 0
  #isClaiming = false
  #isWanted = false
  /** The last claim found fewer than it had places for. */
  #isDrained = false
  #isStopping = false
  #poll: Timer | undefined
  #onIdle: (() => void) | undefined

  constructor(
    host: PostgresWorkHost,
    settings: WorkSettings,
    execute: Execute<PostgresTransaction>,
  ) {
    this.#host = host
    this.#settings = settings
    const settler = new PostgresSettler(host.store, settings.name, host.host)
    this.#home = { ...host, settings, settler, execute, wakeIn: (delayMs) => this.wakeIn(delayMs) }
    this.wake()
  }

  /** Something may have become claimable. */
  wake(): void {
    this.#isWanted = true
    void this.#claim()
  }

  wakeIn(delayMs: number): void {
    // The poll will see what is due later than the next one.
    if (delayMs < this.#host.pollMs) systemClock.after(delayMs, () => this.wake())
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true
    this.#poll?.cancel()
    const idle = new Promise<void>((resolve) => (this.#onIdle = resolve))
    const timers = [
      systemClock.after(deadlineMs, () => {
        this.#home.settler.giveUp()
        for (const attempt of this.#running) attempt.stop('closing')
      }),
      systemClock.after(deadlineMs + letGoMs, () => this.#onIdle?.()),
    ]
    this.#checkIdle()
    await idle
    for (const timer of timers) timer.cancel()
  }

  get #freeCount(): number {
    const { concurrency } = this.#settings
    // What waits to be settled is bounded too, should the store be slower than the handlers.
    if (this.#unsettledCount >= 2 * concurrency) return 0
    return concurrency - this.#running.size
  }

  async #claim(): Promise<void> {
    if (this.#isClaiming) return
    this.#isClaiming = true
    this.#poll?.cancel()
    let waitMs = this.#host.pollMs
    try {
      while (this.#isWanted && !this.#isStopping && this.#freeCount > 0) {
        this.#isWanted = false
        const count = this.#freeCount
        const { jobs, nextInMs } = await this.#fetch(count)
        for (const job of jobs) this.#begin(job)
        this.#isDrained = jobs.length < count
        if (!this.#isDrained) this.#isWanted = true
        if (nextInMs !== undefined) waitMs = Math.min(waitMs, Math.max(1, nextInMs))
      }
    } catch (error) {
      this.#isDrained = true
      this.#host.host.onTrouble(`claim ${this.#settings.name}`, error)
    }
    this.#isClaiming = false
    if (this.#isStopping) return this.#checkIdle()
    this.#poll = systemClock.after(waitMs, () => this.wake())
  }

  /** `nextInMs`: when the rate lets the next one begin. */
  async #fetch(count: number): Promise<{ jobs: ClaimedJob[]; nextInMs?: number }> {
    const { boss, store } = this.#host
    const { name, rate } = this.#settings
    if (rate === undefined)
      return { jobs: (await boss.fetch(name, { batchSize: count })) as ClaimedJob[] }
    return inTransaction(this.#host.pool, async (tx) => {
      const allowance = await store.allowance(name, rate, tx)
      if (allowance.count === 0) return { jobs: [], nextInMs: allowance.nextInMs }
      const batchSize = Math.min(count, allowance.count)
      const jobs = (await boss.fetch(name, { batchSize, db: databaseOver(tx) })) as ClaimedJob[]
      if (jobs.length > 0) await store.noteBegun(name, jobs.length, tx)
      return jobs.length === batchSize ? { jobs, nextInMs: 0 } : { jobs }
    })
  }

  #begin(job: ClaimedJob): void {
    const attempt = new PostgresAttempt(this.#home, job)
    this.#running.add(attempt)
    this.#unsettledCount++
    void attempt
      .run(() => {
        this.#running.delete(attempt)
        if (!this.#isDrained) this.wake()
      })
      .finally(() => {
        this.#running.delete(attempt)
        this.#unsettledCount--
        if (!this.#isDrained) this.wake()
        this.#checkIdle()
      })
  }

  #checkIdle(): void {
    if (this.#isStopping && !this.#isClaiming && this.#unsettledCount === 0) this.#onIdle?.()
  }
}
