import type {
  EngineHost,
  Execute,
  Execution,
  Outcome,
  StopReason,
  WorkSettings,
} from '../engine.ts'
import { AttemptTransaction } from './attempt-transaction.ts'
import { attemptOf, keepSeconds, type JobData, type JobOutput } from './job.ts'
import type { Lease, PostgresLeases } from './leases.ts'
import type { PostgresTaskPool, PostgresTransaction } from './options.ts'
import type { PostgresSettler } from './settler.ts'
import type { PostgresStore, Settlement } from './store.ts'
import { writeTaskId } from '../task-id.ts'

/** A job as pg-boss hands it out. */
export interface ClaimedJob {
  readonly id: string
  readonly data: JobData
  readonly retryCount: number
}

export interface AttemptHome {
  readonly store: PostgresStore
  readonly pool: PostgresTaskPool
  readonly leases: PostgresLeases
  readonly host: EngineHost
  readonly settings: WorkSettings
  readonly settler: PostgresSettler
  readonly execute: Execute<PostgresTransaction>
  wakeIn(delayMs: number): void
}

/** One attempt, from its claim to what is in the store of it. */
export class PostgresAttempt implements Lease {
  readonly name: string
  readonly uuid: string
  readonly retryCount: number
  readonly #home: AttemptHome
  readonly #job: ClaimedJob
  #execution: Execution | undefined
  #stopReason: StopReason | undefined

  constructor(home: AttemptHome, job: ClaimedJob) {
    this.name = home.settings.name
    this.uuid = job.id
    this.retryCount = job.retryCount
    this.#home = home
    this.#job = job
  }

  stop(reason: StopReason): void {
    this.#stopReason ??= reason
    this.#execution?.stop(reason)
  }

  /** Never rejects. `ended` is called as soon as the handler leaves its place. */
  async run(ended: () => void): Promise<void> {
    this.#home.leases.add(this)
    try {
      if (this.#home.settings.transactional) await this.#runInTransaction(ended)
      else {
        const { execution, outcome } = await this.#execute(undefined)
        ended()
        execution.recorded(await this.#settle(outcome))
      }
    } catch (error) {
      this.#home.host.onTrouble(`run ${this.name}`, error)
    } finally {
      this.#home.leases.delete(this)
    }
  }

  async #execute(
    transaction: PostgresTransaction | undefined,
  ): Promise<{ execution: Execution; outcome: Outcome }> {
    const { data } = this.#job
    const execution = this.#home.execute({
      id: writeTaskId(this),
      name: this.name,
      input: data.input,
      attempt: attemptOf(this.retryCount, data),
      enqueuedMs: data.enqueuedMs,
      transaction,
      progress: (value) => this.#progress(value),
    })
    this.#execution = execution
    if (this.#stopReason !== undefined) execution.stop(this.#stopReason)
    return { execution, outcome: await execution.outcome }
  }

  async #runInTransaction(ended: () => void): Promise<void> {
    const { host, pool, settler, store } = this.#home
    let transaction: AttemptTransaction
    try {
      transaction = await AttemptTransaction.begin(pool, this.name)
    } catch (error) {
      host.onTrouble(`begin a transaction for ${this.name}`, error)
      await settler.settle(this.#handedBack())
      return
    }
    const { execution, outcome } = await this.#execute(transaction)
    if (outcome.state !== 'completed') {
      await transaction.rollBack()
      ended()
      execution.recorded(await this.#settle(outcome))
      return
    }
    const completion = completed(this, outcome.result)
    let isStored = false
    try {
      isStored = await transaction.commitIf(async (on) => {
        return (await store.settle(this.name, [completion], on)).has(this.uuid)
      })
    } catch (error) {
      // Whether it is committed, the store knows: if not, the lease runs out and it is begun again.
      host.onTrouble(`complete ${this.name} in its transaction`, error)
    }
    execution.recorded(isStored)
    ended()
  }

  async #settle(outcome: Outcome): Promise<boolean> {
    const { settler, wakeIn } = this.#home
    if (outcome.state === 'completed') return settler.settle(completed(this, outcome.result))
    if (outcome.state === 'stopped') {
      return outcome.reason === 'closing' ? settler.settle(this.#handedBack()) : false
    }
    const { retryInMs } = outcome
    const output: JobOutput = { error: JSON.stringify(outcome.error) }
    const isStored = await settler.settle({
      ...attemptFields(this),
      output,
      ...(retryInMs === undefined
        ? { state: 'failed', keepSeconds: keepSeconds(this.#job.data.deadLetterTtlMs) }
        : { state: 'retry', delayMs: retryInMs }),
    })
    if (retryInMs !== undefined) wakeIn(retryInMs)
    return isStored
  }

  #handedBack(): Settlement {
    return { ...attemptFields(this), state: 'retry', output: undefined, isHandedBack: true }
  }

  async #progress(value: string): Promise<void> {
    try {
      await this.#home.store.progress(this, value)
    } catch (error) {
      this.#home.host.onTrouble(`store progress of ${this.name}`, error)
    }
  }
}

function completed(attempt: PostgresAttempt, result: string | undefined): Settlement {
  return { ...attemptFields(attempt), state: 'completed', output: { result } }
}

function attemptFields({ name, uuid, retryCount }: PostgresAttempt) {
  return { name, uuid, retryCount }
}
