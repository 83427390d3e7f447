import type * as BullMQ from 'bullmq'
import { systemClock } from '../../core/index.ts'
import { settlesWithin } from '../settles-within.ts'
import { workerLost } from '../engine.ts'
import type { EngineHost, Execute, Execution, Outcome, Work, WorkSettings } from '../engine.ts'
import { backoffType, endOptionsOf, type RedisJobData, type TaskJob } from './job.ts'
import type { RedisQueue } from './queue.ts'
import { writeTaskId } from '../task-id.ts'

export interface RedisWorkHost {
  readonly bullmq: typeof BullMQ
  readonly connection: BullMQ.ConnectionOptions
  readonly queue: RedisQueue
  readonly prefix: string
  readonly leaseMs: number
  readonly host: EngineHost
}

interface Running {
  readonly uuid: string
  readonly execution: Execution
  isStored: boolean
}

// How long a worker may take to let go once everything that it ran has been handed back: longer, and
// Redis does not answer.
const letGoMs = 2_000

/** Runs tasks of one name by a worker of BullMQ. Its lock is the lease, its token the fence. */
export class RedisWork implements Work {
  readonly #host: RedisWorkHost
  readonly #settings: WorkSettings
  readonly #execute: Execute<never>
  readonly #worker: BullMQ.Worker<RedisJobData, string | null>
  readonly #running = new Map<string, Running>()

  constructor(host: RedisWorkHost, settings: WorkSettings, execute: Execute<never>) {
    this.#host = host
    this.#settings = settings
    this.#execute = execute
    this.#worker = this.#newWorker()
  }

  async stop(deadlineMs: number): Promise<void> {
    const closed = this.#worker.close()
    const deadline = systemClock.after(deadlineMs, () => {
      for (const { execution } of this.#running.values()) execution.stop('closing')
    })
    const hasLetGo = await settlesWithin(closed, deadlineMs + letGoMs)
    deadline.cancel()
    // The connection on which it waits for tasks would keep the process open.
    if (!hasLetGo) this.#worker.disconnect().catch(() => {})
  }

  #newWorker(): BullMQ.Worker<RedisJobData, string | null> {
    const { bullmq, connection, prefix, leaseMs, host } = this.#host
    const { name, concurrency, rate } = this.#settings
    const ended = (job: TaskJob) => this.#ended(job)
    // BullMQ tells of what it could not store by an error that names no attempt. Whatever it did, the
    // attempt is over when this returns.
    class TaskWorker extends bullmq.Worker<RedisJobData, string | null> {
      override async processJob(...args: Parameters<BullMQ.Worker['processJob']>) {
        try {
          return await super.processJob(...args)
        } finally {
          ended(args[0] as TaskJob)
        }
      }
    }
    const worker = new TaskWorker(name, (job, token) => this.#process(job, token ?? ''), {
      connection,
      prefix,
      concurrency,
      lockDuration: leaseMs,
      lockRenewTime: leaseMs / 4,
      stalledInterval: leaseMs / 4,
      // When to give a task up is decided here, by the attempts: BullMQ would fail it at the second loss.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: 1_000,
      ...(rate === undefined ? {} : { limiter: limiterOf(rate.limit, rate.perMs) }),
      settings: { backoffStrategy },
    })
    worker.on('error', (error) => host.onTrouble(`work on ${name}`, error))
    const stored = (job: TaskJob | undefined) => {
      const running = this.#running.get(job?.token ?? '')
      if (running !== undefined) running.isStored = true
    }
    worker.on('completed', stored)
    worker.on('failed', stored)
    worker.on('lockRenewalFailed', (uuids) => void this.#lost(uuids))
    return worker
  }

  async #process(job: TaskJob, token: string): Promise<string | null> {
    const [input, maxAttempts, , , handedBack] = job.data
    Object.assign(job.opts, endOptionsOf(job.data))
    const { name } = this.#settings
    const uuid = job.id ?? ''
    const attempt = job.attemptsStarted - handedBack
    if (attempt > maxAttempts) {
      // This claim is only to end it: it does not count as an attempt.
      await this.#uncount(job, token)
      throw final(this.#host.bullmq, JSON.stringify(workerLost))
    }
    const execution = this.#execute({
      id: writeTaskId({ name, uuid }),
      name,
      input,
      attempt,
      enqueuedMs: job.timestamp,
      transaction: undefined,
      progress: (value) => this.#progress(uuid, token, value),
    })
    this.#running.set(token, { uuid, execution, isStored: false })
    return this.#end(job, token, await execution.outcome)
  }

  /** Says to BullMQ how it ended: by what it returns, or by what it throws. */
  async #end(job: TaskJob, token: string, outcome: Outcome): Promise<string | null> {
    const { bullmq } = this.#host
    if (outcome.state === 'completed') return outcome.result ?? null
    if (outcome.state === 'failed') {
      const reason = JSON.stringify(outcome.error)
      if (outcome.retryInMs === undefined) throw final(bullmq, reason)
      throw new RetryError(reason, outcome.retryInMs)
    }
    if (outcome.reason === 'closing') {
      if (await this.#uncount(job, token)) {
        await job.moveToWait(token)
        const running = this.#running.get(token)
        if (running !== undefined) running.isStored = true
      }
    }
    // BullMQ does nothing more with this job.
    throw new bullmq.WaitingError()
  }

  /** BullMQ has counted this claim; it shall not count as an attempt. False when the lock is lost. */
  #uncount({ id, data }: TaskJob, token: string): Promise<boolean> {
    const [, , , , handedBack] = data
    const uncounted = JSON.stringify(data.with(4, handedBack + 1))
    return this.#host.queue.setFenced(id ?? '', token, 'data', uncounted)
  }

  #ended(job: TaskJob): void {
    const token = job.token ?? ''
    const running = this.#running.get(token)
    if (running === undefined) return
    this.#running.delete(token)
    running.execution.recorded(running.isStored)
  }

  /** The locks of these are gone: cancelled, or taken over by another worker. */
  async #lost(uuids: readonly string[]): Promise<void> {
    for (const uuid of uuids) {
      const held = [...this.#running.values()].filter((running) => running.uuid === uuid)
      if (held.length === 0) continue
      const found = await this.#host.queue.find(uuid).catch(() => undefined)
      const reason = found?.record.state === 'cancelled' ? 'cancelled' : 'lost'
      for (const { execution } of held) execution.stop(reason)
    }
  }

  async #progress(uuid: string, token: string, value: string): Promise<void> {
    const { host, queue } = this.#host
    try {
      await queue.setProgress(uuid, token, value)
    } catch (error) {
      host.onTrouble(`store progress of ${this.#settings.name}`, error)
    }
  }
}

/** A failure that is tried again after `retryInMs`: BullMQ hands it to the backoff. */
class RetryError extends Error {
  readonly retryInMs: number

  constructor(reason: string, retryInMs: number) {
    super(reason)
    this.stack = ''
    this.retryInMs = retryInMs
  }
}

function backoffStrategy(_attempts: number, type?: string, error?: Error): number {
  return type === backoffType && error instanceof RetryError ? Math.ceil(error.retryInMs) : 0
}

function final({ UnrecoverableError }: typeof BullMQ, reason: string): Error {
  const error = new UnrecoverableError(reason)
  error.stack = ''
  return error
}

/**
 * BullMQ counts in windows that begin with a task, and lets twice its limit begin around the end of
 * one. So the windows are cut into parts, as many that all parts which an interval of `perMs` touches
 * have no more than `limit` together.
 */
export function limiterOf(limit: number, perMs: number): { max: number; duration: number } {
  if (limit < 20 || perMs < 100) return { max: 1, duration: Math.ceil(perMs / limit) }
  const parts = 10
  return { max: Math.floor(limit / (parts + 1)), duration: Math.ceil(perMs / parts) }
}
