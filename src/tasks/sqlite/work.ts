import type { Claim, Execute, Execution, Outcome, Work, WorkSettings } from '../engine.ts'
import type { SqliteEffects } from './engine.ts'
import type { ClaimedRow, Effect, Stop } from './protocol.ts'

/** What the claims of a name need of the engine. */
export interface WorkPort {
  progress(row: ClaimedRow, value: string): Promise<void>
  /** Stores an outcome: false where the attempt had lost its claim. */
  settle(row: ClaimedRow, outcome: Outcome, effects: readonly Effect[]): Promise<boolean>
  /** No more claims of this name. */
  rest(): Promise<void>
  /** Outcomes that the store refuses are given up, and left to whoever takes the tasks over. */
  giveUp(): Promise<void>
  rested(): void
}

/** The tasks of one name that this process runs. */
export class OwnWork implements Work {
  readonly #settings: WorkSettings
  readonly #execute: Execute<SqliteEffects>
  readonly #port: WorkPort
  readonly #running = new Map<string, Running>()
  #idle: PromiseWithResolvers<void> | undefined
  #isResting = false

  constructor(settings: WorkSettings, execute: Execute<SqliteEffects>, port: WorkPort) {
    this.#settings = settings
    this.#execute = execute
    this.#port = port
  }

  /** What a thread is to claim for it; nothing once it rests. */
  get wanted(): WorkSettings | undefined {
    return this.#isResting ? undefined : this.#settings
  }

  /** The attempts whose outcome is not stored yet. */
  get rows(): ClaimedRow[] {
    return [...this.#running.values()].map(({ row }) => row)
  }

  begin(row: ClaimedRow): void {
    if (this.#isResting) {
      // Claimed while the word to rest was under way.
      void this.#port.settle(row, { state: 'stopped', reason: 'closing' }, []).catch(() => {})
      return
    }
    const claim = new SqliteClaim(row, this.#port)
    const execution = this.#execute(claim)
    const key = keyOf(row)
    this.#running.set(key, { row, execution })
    void this.#attend(key, row, claim, execution)
  }

  stopped(stop: Stop): void {
    this.#running.get(keyOf(stop))?.execution.stop(stop.reason)
  }

  lost(): void {
    for (const { execution } of this.#running.values()) execution.stop('lost')
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#isResting = true
    const timer = setTimeout(() => {
      for (const { execution } of this.#running.values()) execution.stop('closing')
      void this.#port.giveUp().catch(() => {})
    }, deadlineMs)
    await this.#port.rest().catch(() => {})
    const idle = Promise.withResolvers<void>()
    this.#idle = idle
    this.#checkIdle()
    await idle.promise
    clearTimeout(timer)
    this.#port.rested()
  }

  async #attend(
    key: string,
    row: ClaimedRow,
    { effects }: SqliteClaim,
    execution: Execution,
  ): Promise<void> {
    const outcome = await execution.outcome
    let isStored = false
    try {
      isStored = await this.#port.settle(row, outcome, effects)
    } catch {
      // The thread is gone, or has given up: whoever takes the task over completes it.
    }
    this.#running.delete(key)
    execution.recorded(isStored)
    this.#checkIdle()
  }

  #checkIdle(): void {
    if (this.#running.size === 0) this.#idle?.resolve()
  }
}

interface Running {
  readonly row: ClaimedRow
  readonly execution: Execution
}

class SqliteClaim implements Claim<SqliteEffects> {
  readonly id: string
  readonly name: string
  readonly input: string
  readonly attempt: number
  readonly enqueuedMs: number
  readonly effects: Effect[] = []
  readonly #row: ClaimedRow
  readonly #port: WorkPort

  constructor(row: ClaimedRow, port: WorkPort) {
    this.id = row.id
    this.name = row.name
    this.input = row.input
    this.attempt = row.attempt
    this.enqueuedMs = row.enqueuedMs
    this.#row = row
    this.#port = port
  }

  readonly transaction: SqliteEffects = {
    run: (sql, ...values) => void this.effects.push({ sql, values }),
  }

  progress(value: string): Promise<void> {
    return this.#port.progress(this.#row, value)
  }
}

function keyOf({ seq, claim }: { readonly seq: number; readonly claim: number }): string {
  return `${seq}.${claim}`
}
