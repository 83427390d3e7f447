import type { Clock } from '../../core/index.ts'
import type { WorkSettings } from '../engine.ts'
import { Connection } from './connection.ts'
import { settle } from './effects.ts'
import { describe } from './errors.ts'
import { Holdings } from './holdings.ts'
import { TaskInsert } from './insert.ts'
import { Leases } from './leases.ts'
import type {
  Adoption,
  Answer,
  ClaimedRow,
  Report,
  Request,
  Stop,
  StoreError,
  ThreadData,
  Write,
} from './protocol.ts'
import { TaskTable } from './table.ts'

const expireEveryMs = 2_000

// How long the thread leaves a store in peace that has refused a transaction.
const retryMs = 200

// What one transaction may write: the other processes wait for its end.
const writesPerTransaction = 1_000

/** Where a store reads the time. */
export type StoreClock = Pick<Clock, 'monotonicMs' | 'epochMs'>

// Not core's, which would have the thread load all of core when it starts.
const realTime: StoreClock = { monotonicMs: () => performance.now(), epochMs: () => Date.now() }

/** What runs in the thread: answers requests, claims what this process may run, keeps its lease. */
export class Store {
  readonly #clock: StoreClock
  readonly #connection: Connection
  readonly #table: TaskTable
  readonly #insert: TaskInsert
  readonly #leases: Leases
  readonly #holdings = new Holdings()
  /** Outcomes that the store has refused for now: its disk is full, say. */
  #unsettled: Write[] = []
  #isGivingUp = false
  /** Perhaps a task that runs here: `hasChanged` tells of other connections only. */
  #hasCancelled = false
  #nextTryMs = 0
  #nextExpiryMs = 0

  constructor(data: ThreadData, clock: StoreClock = realTime) {
    this.#clock = clock
    this.#connection = new Connection(data.file, data.lockTimeoutMs)
    this.#table = new TaskTable(this.#connection.database)
    this.#insert = new TaskInsert(this.#connection.database)
    this.#leases = new Leases(this.#table, data.leaseMs)
  }

  /** Whether it has to look by itself for what is to be done, and has a lease to keep. */
  get isWorking(): boolean {
    return this.#holdings.isWorking
  }

  /** Deals with what was asked, and claims in the same transaction what there is room for. */
  serve(requests: readonly Request[]): Report {
    const report = new OpenReport(true)
    const writes: Write[] = this.#unsettled
    this.#unsettled = []
    for (const request of requests) {
      if (request.ask === 'giveUp') this.#isGivingUp = true
      if (isWrite(request)) writes.push(request)
      else if (request.ask === 'work') this.#begin(request.settings, report)
      else if (request.ask === 'adopt') this.#adopt(request, report)
      else if (request.ask === 'rest') this.#holdings.rest(request.name)
    }
    for (let at = 0; at < writes.length; at += writesPerTransaction) {
      this.#write(writes.slice(at, at + writesPerTransaction), report)
    }
    for (const request of requests) if (!isWrite(request)) this.#answer(request, report)
    return report
  }

  /** Looks for what others have stored, for what is due, and for workers that are gone. */
  poll(): Report {
    const report = new OpenReport(false)
    if (this.#clock.monotonicMs() < this.#nextTryMs) return report
    try {
      if (this.#connection.hasChanged() || this.#hasCancelled) this.#findStopped(report)
      this.#hasCancelled = false
      if (this.#unsettled.length > 0 || this.#isTimeToWrite()) {
        const writes = this.#unsettled
        this.#unsettled = []
        this.#write(writes, report)
      }
    } catch (error) {
      report.troubles.push({ operation: 'poll', error: describe(error) })
      this.#nextTryMs = this.#clock.monotonicMs() + retryMs
    }
    return report
  }

  /** Whether there is something to do that nobody waits for. */
  get isRestDue(): boolean {
    return this.#connection.isCheckpointDue
  }

  /** Does it. */
  rest(): void {
    this.#connection.checkpoint()
  }

  /** Hands back what is still held, and leaves. */
  close(): void {
    const { worker } = this.#leases
    try {
      if (worker !== undefined) this.#connection.write(false, () => this.#leave(worker))
    } catch {
      // A store in trouble: what is held is taken over when the lease has run out.
    }
    this.#connection.close()
  }

  #leave(worker: number): void {
    for (const held of this.#holdings.claims()) this.#table.handBack(held)
    this.#table.leave(worker)
  }

  #begin(settings: WorkSettings, report: OpenReport): void {
    this.#holdings.begin(settings)
    // A write, though there is nothing to write: it enters this worker and claims at once.
    this.#write([], report)
  }

  /**
   * Takes over what this process runs from a thread that has ended, under a lease of its own. What that
   * thread claimed and could not tell anybody is taken over when its lease has run out.
   *
   * @throws where the store refuses it, which ends this thread too
   */
  #adopt({ works, rows, isGivingUp }: Adoption, report: OpenReport): void {
    this.#isGivingUp = isGivingUp
    for (const settings of works) this.#holdings.begin(settings)
    for (const row of rows) this.#holdings.hold(row, this.#clock.monotonicMs())
    const lost: ClaimedRow[] = []
    this.#connection.write(false, () => {
      this.#beat()
      const { worker } = this.#leases
      for (const row of rows) {
        if (worker === undefined || !this.#table.adopt(row, worker)) lost.push(row)
      }
    })
    report.stops.push(...this.#holdings.stop(lost, 'lost'))
    this.#write([], report)
  }

  #write(writes: readonly Write[], report: OpenReport): void {
    const answers: Answer[] = []
    let claims: ClaimedRow[] = []
    let isOurs = true
    const stuck = this.#holdings.stuck(this.#clock.monotonicMs())
    try {
      this.#connection.write(writes.some(isDurable), () => {
        const nowMs = this.#clock.epochMs()
        isOurs = this.#beat()
        for (const request of writes) answers.push(this.#do(request, nowMs))
        for (const held of stuck) this.#table.takeFrom(held, nowMs)
        this.#tidy(nowMs)
        claims = this.#claim(writes, nowMs)
      })
    } catch (error) {
      this.#refuse(writes, describe(error), report)
      return
    }
    for (const request of writes) if (request.ask === 'settle') this.#holdings.release(request)
    const lost = isOurs ? stuck : this.#holdings.claims()
    if (lost.length > 0) report.stops.push(...this.#holdings.stop(lost, 'lost'))
    for (const row of claims) this.#holdings.hold(row, this.#clock.monotonicMs())
    report.answers.push(...answers)
    report.claims.push(...claims)
    this.#hasCancelled ||= writes.some(({ ask }) => ask === 'cancel')
  }

  /** Nothing of the batch was stored. Outcomes wait for better times, the rest is told. */
  #refuse(writes: readonly Write[], error: StoreError, report: OpenReport): void {
    this.#nextTryMs = this.#clock.monotonicMs() + retryMs
    this.#leases.beatSoon()
    for (const request of writes) {
      if (request.ask === 'settle' && !this.#isGivingUp) this.#unsettled.push(request)
      else report.answers.push({ ref: request.ref, error })
    }
    if (this.#unsettled.length > 0 || writes.length === 0) {
      report.troubles.push({ operation: 'store', error })
    }
  }

  #do(request: Write, nowMs: number): Answer {
    const { ref } = request
    switch (request.ask) {
      case 'enqueue':
        return { ref, value: this.#insert.run(request.id, request.task, nowMs) }
      case 'cancel':
        return { ref, value: this.#table.cancel(request.id, nowMs) }
      case 'replay':
        return { ref, value: this.#table.replay(request.id, nowMs) }
      case 'settle': {
        const attempt = this.#holdings.attemptOf(request.seq) ?? 1
        const { database } = this.#connection
        return { ref, value: settle(database, this.#table, request, attempt, nowMs) }
      }
      case 'progress': {
        const { seq, claim, value } = request
        return { ref, value: this.#table.progress(seq, claim, value) }
      }
    }
  }

  /** False where what it holds is not its own any more. */
  #beat(): boolean {
    if (!this.isWorking && this.#leases.worker === undefined) return true
    return this.#leases.beat(this.#clock.monotonicMs())
  }

  #tidy(nowMs: number): void {
    if (!this.isWorking) return
    const upMs = this.#clock.monotonicMs()
    this.#table.promote(nowMs)
    for (const worker of this.#leases.look(upMs)) this.#table.takeOver(worker, nowMs)
    if (upMs < this.#nextExpiryMs) return
    const isMoreToCome = this.#table.expire(nowMs)
    this.#nextExpiryMs = isMoreToCome ? upMs : upMs + expireEveryMs
  }

  #claim(writes: readonly Write[], nowMs: number): ClaimedRow[] {
    const { worker } = this.#leases
    const claims: ClaimedRow[] = []
    if (worker === undefined) return claims
    for (const { settings, count } of this.#holdings.room(this.#clock.monotonicMs(), writes)) {
      claims.push(...this.#table.claim(settings, worker, count, nowMs))
    }
    return claims
  }

  #isTimeToWrite(): boolean {
    const nowMs = this.#clock.epochMs()
    const upMs = this.#clock.monotonicMs()
    if (this.#leases.isBeatDue(upMs) || this.#holdings.stuck(upMs).length > 0) return true
    return this.#connection.read(() => {
      if (this.#leases.isLookDue(upMs) && this.#leases.look(upMs).length > 0) return true
      if (this.#table.isDue(nowMs)) return true
      if (upMs >= this.#nextExpiryMs && this.#table.hasExpired(nowMs)) return true
      for (const { settings } of this.#holdings.room(upMs)) {
        if (this.#table.isReady(settings.name)) return true
      }
      return false
    })
  }

  /** What was cancelled, or given to others, while it ran here. */
  #findStopped(report: OpenReport): void {
    const { worker } = this.#leases
    if (worker === undefined || !this.#holdings.isHolding) return
    const { isKnown, seen } = this.#connection.read(() => ({
      isKnown: this.#table.isKnown(worker),
      seen: this.#table.heldBy(worker),
    }))
    const gone = this.#holdings.claims().filter(({ seq, claim }) => seen.get(seq) !== claim)
    report.stops.push(...this.#holdings.stop(gone, isKnown ? 'cancelled' : 'lost'))
  }

  #answer(request: Request, report: OpenReport): void {
    const { ref } = request
    const nowMs = this.#clock.epochMs()
    try {
      let value: unknown
      if (request.ask === 'find') {
        value = this.#connection.read(() => this.#table.find(request.id, nowMs))
      } else if (request.ask === 'deadLetters') {
        value = this.#connection.read(() => this.#table.deadLetters(request.query, nowMs))
      }
      // A close is answered when it is done.
      if (request.ask !== 'close') report.answers.push({ ref, value })
    } catch (error) {
      report.answers.push({ ref, error: describe(error) })
    }
  }
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

function isWrite(request: Request): request is Write {
  return isDurable(request) || request.ask === 'progress'
}

/** Progress, a lease and a claim may be lost with the power: the task is begun again then. */
function isDurable({ ask }: Request): boolean {
  return ask === 'enqueue' || ask === 'settle' || ask === 'cancel' || ask === 'replay'
}
