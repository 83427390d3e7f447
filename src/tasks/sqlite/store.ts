import { randomInt } from 'node:crypto'
import type { Outcome, WorkSettings } from '../engine.ts'
import { Connection } from './connection.ts'
import { TaskInsert } from './insert.ts'
import type {
  Answer,
  ClaimedRow,
  Effect,
  Question,
  Report,
  Request,
  Stop,
  StoreError,
  ThreadData,
} from './protocol.ts'
import { TaskTable } from './table.ts'

const expireEveryMs = 2_000
const lookForLateEveryMs = 100

// What a transactional handler's statements wait for when they were refused: a constraint, say.
const effectsRetryMs = 1_000

// How long the thread leaves a store in peace that has refused a transaction.
const retryMs = 200

/** What runs in the thread: answers requests, claims what this process may run, keeps its lease. */
export class Store {
  readonly #data: ThreadData
  readonly #connection: Connection
  readonly #table: TaskTable
  readonly #insert: TaskInsert
  readonly #works = new Map<string, OwnWork>()
  readonly #held = new Map<number, Held>()
  /** Outcomes that the store has refused for now: its disk is full, say. */
  #unsettled: Request[] = []
  #worker: number | undefined
  #nextBeatMs = 0
  #nextTryMs = 0
  #nextLookMs = 0
  #nextExpiryMs = 0

  constructor(data: ThreadData) {
    this.#data = data
    this.#connection = new Connection(data.file, data.lockTimeoutMs)
    this.#table = new TaskTable(this.#connection.database)
    this.#insert = new TaskInsert(this.#connection.database)
  }

  /** Whether it has to look by itself for what is to be done, and has a lease to keep. */
  get isWorking(): boolean {
    return this.#works.size > 0 || this.#held.size > 0
  }

  /** Deals with what was asked, and claims in the same transaction what there is room for. */
  serve(requests: readonly Request[]): Report {
    const report = new OpenReport(true)
    const writes: Request[] = this.#unsettled
    this.#unsettled = []
    for (const request of requests) {
      if (request.ask === 'work') this.#begin(request.settings, request.ref, report)
      else if (request.ask === 'rest') this.#rest(request.name, request.ref, report)
      else if (isWrite(request)) writes.push(request)
    }
    if (writes.length > 0) this.#write(writes, report)
    for (const request of requests) this.#read(request, report)
    return report
  }

  /** Looks for what others have stored, for what is due, and for workers that are gone. */
  poll(): Report {
    const report = new OpenReport(false)
    if (Date.now() < this.#nextTryMs) return report
    try {
      if (this.#connection.hasChanged()) this.#findStopped(report)
      if (this.#unsettled.length > 0 || this.#isTimeToWrite()) {
        const writes = this.#unsettled
        this.#unsettled = []
        this.#write(writes, report)
      }
    } catch (error) {
      report.troubles.push({ operation: 'poll', error: describe(error) })
      this.#nextTryMs = Date.now() + retryMs
    }
    return report
  }

  /** Hands back what is still held, and leaves. */
  close(): void {
    try {
      const worker = this.#worker
      if (worker !== undefined) {
        this.#connection.write(false, () => {
          for (const [seq, { claim }] of this.#held) {
            this.#table.settle(seq, claim, { state: 'stopped', reason: 'closing' }, Date.now())
          }
          this.#table.leave(worker)
        })
      }
    } finally {
      this.#connection.close()
    }
  }

  #begin(settings: WorkSettings, ref: number, report: OpenReport): void {
    this.#works.set(settings.name, { settings, running: 0 })
    // A write, though there is nothing to write: it enters this worker and claims at once.
    this.#write([], report)
    report.answers.push({ ref, value: undefined })
  }

  #rest(name: string, ref: number, report: OpenReport): void {
    this.#works.delete(name)
    report.answers.push({ ref, value: undefined })
  }

  #write(writes: readonly Request[], report: OpenReport): void {
    const answers: Answer[] = []
    let claims: ClaimedRow[] = []
    try {
      this.#connection.write(writes.some(isDurable), () => {
        // With the lock held: whatever time went by before, nobody takes this worker's tasks now.
        const nowMs = Date.now()
        this.#beat(nowMs, report)
        for (const request of writes) answers.push(this.#do(request, nowMs))
        this.#tidy(nowMs)
        claims = this.#claim(writes, nowMs)
      })
    } catch (error) {
      this.#refuse(writes, describe(error), report)
      return
    }
    for (const request of writes) if (request.ask === 'settle') this.#release(request)
    for (const row of claims) this.#hold(row)
    if (writes.some(({ ask }) => ask === 'cancel')) this.#findStopped(report)
    report.answers.push(...answers)
    report.claims.push(...claims)
  }

  /** Nothing of the batch was stored. Outcomes wait for better times, the rest is told. */
  #refuse(writes: readonly Request[], error: StoreError, report: OpenReport): void {
    this.#nextTryMs = Date.now() + retryMs
    this.#nextBeatMs = 0
    for (const request of writes) {
      if (request.ask === 'settle') this.#unsettled.push(request)
      else report.answers.push({ ref: request.ref, error })
    }
    if (this.#unsettled.length > 0 || writes.length === 0) {
      report.troubles.push({ operation: 'store', error })
    }
  }

  #do(request: Request, nowMs: number): Answer {
    const { ref } = request
    if (request.ask === 'enqueue') {
      return { ref, value: this.#insert.run(request.id, request.task, nowMs) }
    }
    if (request.ask === 'cancel') return { ref, value: this.#table.cancel(request.id, nowMs) }
    if (request.ask === 'replay') return { ref, value: this.#table.replay(request.id, nowMs) }
    if (request.ask === 'settle') return { ref, value: this.#settle(request, nowMs) }
    if (request.ask === 'progress') {
      this.#table.progress(request.seq, request.claim, request.value)
    }
    return { ref, value: undefined }
  }

  #settle({ seq, claim, outcome, effects }: Settle, nowMs: number): boolean {
    if (effects.length === 0 || outcome.state !== 'completed') {
      return this.#table.settle(seq, claim, outcome, nowMs)
    }
    const { database } = this.#connection
    database.exec('savepoint effects')
    try {
      const isSettled = this.#table.settle(seq, claim, outcome, nowMs)
      if (isSettled) for (const { sql, values } of effects) database.prepare(sql).run(...values)
      database.exec('release effects')
      return isSettled
    } catch (error) {
      if (!database.isTransaction) throw error
      database.exec('rollback to effects; release effects')
      this.#table.settle(seq, claim, this.#effectsFailed(seq, error), nowMs)
      return false
    }
  }

  #effectsFailed(seq: number, error: unknown): Outcome {
    const { message, stack } = describe(error)
    const { attempt = 1 } = this.#held.get(seq) ?? {}
    return {
      state: 'failed',
      error: { name: 'Error', message, code: undefined, stack },
      retryInMs: attempt < 4 ? effectsRetryMs * 2 ** attempt : undefined,
    }
  }

  /** Renews the lease, or enters as a new worker: the first time, and when others declared it dead. */
  #beat(nowMs: number, report: OpenReport): void {
    if (!this.isWorking && this.#worker === undefined) return
    const { leaseMs } = this.#data
    const untilMs = nowMs + leaseMs
    if (this.#worker !== undefined) {
      const isEarly = nowMs < this.#nextBeatMs && this.#table.isKnown(this.#worker)
      if (isEarly) return
      this.#nextBeatMs = nowMs + leaseMs / 5
      if (this.#table.renew(this.#worker, untilMs)) return
      this.#stopHeld(() => 'lost', report)
    }
    this.#nextBeatMs = nowMs + leaseMs / 5
    const worker = randomInt(1, 2 ** 47)
    this.#table.enter(worker, untilMs)
    this.#worker = worker
  }

  #tidy(nowMs: number): void {
    if (!this.isWorking) return
    this.#table.promote(nowMs)
    if (nowMs >= this.#nextLookMs) {
      this.#nextLookMs = nowMs + lookForLateEveryMs
      this.#table.takeOver(nowMs)
    }
    if (nowMs >= this.#nextExpiryMs) {
      this.#nextExpiryMs = nowMs + expireEveryMs
      this.#table.expire(nowMs)
    }
  }

  #claim(writes: readonly Request[], nowMs: number): ClaimedRow[] {
    const worker = this.#worker
    const claims: ClaimedRow[] = []
    if (worker === undefined) return claims
    const freed = countFreed(writes, this.#held)
    for (const { settings, running } of this.#works.values()) {
      const room = settings.concurrency - running + (freed.get(settings.name) ?? 0)
      if (room > 0) claims.push(...this.#table.claim(settings, worker, room, nowMs))
    }
    return claims
  }

  #isTimeToWrite(): boolean {
    const nowMs = Date.now()
    if (nowMs >= this.#nextBeatMs) return true
    return this.#connection.read(() => {
      if (this.#table.isDue(nowMs)) return true
      if (nowMs >= this.#nextLookMs && this.#table.hasLateWorkers(nowMs)) return true
      if (nowMs >= this.#nextExpiryMs && this.#table.hasExpired(nowMs)) return true
      for (const { settings, running } of this.#works.values()) {
        if (running < settings.concurrency && this.#table.isReady(settings.name)) return true
      }
      return false
    })
  }

  /** What was cancelled, or given to others, while it ran here. */
  #findStopped(report: OpenReport): void {
    const worker = this.#worker
    if (worker === undefined || this.#held.size === 0) return
    const seen = this.#connection.read(() => this.#table.heldBy(worker))
    this.#stopHeld((seq, { claim }) => (seen.get(seq) === claim ? undefined : 'cancelled'), report)
  }

  #stopHeld(
    reasonOf: (seq: number, held: Held) => Stop['reason'] | undefined,
    report: OpenReport,
  ): void {
    for (const [seq, held] of this.#held) {
      const reason = held.isStopped ? undefined : reasonOf(seq, held)
      if (reason === undefined) continue
      held.isStopped = true
      report.stops.push({ seq, claim: held.claim, reason })
    }
  }

  #hold({ seq, claim, name, attempt }: ClaimedRow): void {
    const before = this.#held.get(seq)
    if (before !== undefined) this.#release({ seq, claim: before.claim })
    this.#held.set(seq, { claim, name, attempt, isStopped: false })
    const work = this.#works.get(name)
    if (work !== undefined) work.running++
  }

  #release({ seq, claim }: Pick<Settle, 'seq' | 'claim'>): void {
    const held = this.#held.get(seq)
    if (held?.claim !== claim) return
    this.#held.delete(seq)
    const work = this.#works.get(held.name)
    if (work !== undefined) work.running--
  }

  #read(request: Request, report: OpenReport): void {
    const { ref } = request
    const nowMs = Date.now()
    try {
      if (request.ask === 'find') {
        const value = this.#connection.read(() => this.#table.find(request.id, nowMs))
        report.answers.push({ ref, value })
      } else if (request.ask === 'deadLetters') {
        const value = this.#connection.read(() => this.#table.deadLetters(request.query, nowMs))
        report.answers.push({ ref, value })
      }
    } catch (error) {
      report.answers.push({ ref, error: describe(error) })
    }
  }
}

/** An error as the other side can be told of it. */
export function describe(error: unknown): StoreError {
  const { message, stack, errcode } = error as Error & { errcode?: number }
  return { message, sqliteCode: errcode === undefined ? undefined : errcode & 0xff, stack }
}

type Settle = Extract<Question, { ask: 'settle' }> & { readonly effects: readonly Effect[] }

interface OwnWork {
  readonly settings: WorkSettings
  running: number
}

interface Held {
  readonly claim: number
  readonly name: string
  readonly attempt: number
  /** The process was told that nobody waits for it. */
  isStopped: boolean
}

class OpenReport {
  readonly isReply: boolean
  readonly answers: Answer[] = []
  readonly claims: ClaimedRow[] = []
  readonly stops: Stop[] = []
  readonly troubles: { operation: string; error: StoreError }[] = []

  constructor(isReply: boolean) {
    this.isReply = isReply
  }
}

function isWrite({ ask }: Request): boolean {
  return isDurableAsk(ask) || ask === 'progress'
}

/** Progress, a lease and a claim may be lost with the power: the task is begun again then. */
function isDurable({ ask }: Request): boolean {
  return isDurableAsk(ask)
}

function isDurableAsk(ask: Request['ask']): boolean {
  return ask === 'enqueue' || ask === 'settle' || ask === 'cancel' || ask === 'replay'
}

/** Places that the outcomes of a batch make, by name. */
function countFreed(
  writes: readonly Request[],
  held: ReadonlyMap<number, Held>,
): Map<string, number> {
  const freed = new Map<string, number>()
  for (const request of writes) {
    if (request.ask !== 'settle') continue
    const place = held.get(request.seq)
    if (place?.claim !== request.claim) continue
    freed.set(place.name, (freed.get(place.name) ?? 0) + 1)
  }
  return freed
}
