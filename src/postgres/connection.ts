import type { ClientConfig, QueryResult } from 'pg'
import { requestCancel } from './cancel.ts'
import { Cancellation } from './cancellation.ts'
import { openClient, type PipelinedClient } from './client.ts'
import type { CloseReason, ConnectionOwner } from './connection-owner.ts'
import { corkForTick } from './cork.ts'
import { Deadlines } from './deadlines.ts'
import {
  isCancelled,
  isFatal,
  isStaleStatement,
  isUnsent,
  leftTransactionOpen,
  timedOut,
} from './errors.ts'
import type { Flight, Surrender } from './flight.ts'
import { HeadOfLine } from './head-of-line.ts'
import { clearBehindLoan, onceStateIsKnown } from './leftovers.ts'
import { PreparedNames } from './prepared-names.ts'
import { Proof } from './proof.ts'

// The last cancel of a connection that is being cut; nobody waits for it.
const lastCancelMs = 1_000
const maxReruns = 3

/**
 * One connection of the pool, on a `pg.Client` that pipelines. It is shared by reads, or carries one
 * query alone, or is lent to a borrower: never two of these at a time.
 */
export class Connection {
  readonly client: PipelinedClient
  idleSinceMs: number
  queryCount = 0
  /** Takes nothing more and is closed when its work is done. */
  retiring: CloseReason | undefined
  /** Kept clear of reads, so that it falls idle for one that waits to have a connection alone. */
  isReserved = false
  isLent = false
  isClosed = false
  // Counted as busy; not while it is only checked.
  #isBusy = false
  readonly #owner: ConnectionOwner
  readonly #flights: Flight[] = []
  readonly #prepared: PreparedNames
  readonly #cancellation: Cancellation
  readonly #deadlines: Deadlines
  readonly #head: HeadOfLine
  readonly #proof: Proof

  /** Opens a connection; rejects with what pg reports. */
  static async open(config: ClientConfig, owner: ConnectionOwner): Promise<Connection> {
    const startedMs = owner.clock.monotonicMs()
    const client = await openClient(config, () => {
      owner.roundTrip.observe(owner.clock.monotonicMs() - startedMs)
    })
    return new Connection(client, owner)
  }

  private constructor(client: PipelinedClient, owner: ConnectionOwner) {
    this.client = client
    this.#owner = owner
    this.#prepared = new PreparedNames(client.connection)
    this.#cancellation = new Cancellation(client, owner.clock, () => this.#cancelMissed())
    this.#deadlines = new Deadlines(owner.clock, (nowMs) => this.#giveUpLate(nowMs))
    this.#head = new HeadOfLine(owner.roundTrip, owner.pulse)
    this.#proof = new Proof(owner.clock, owner.proofMs)
    this.idleSinceMs = owner.clock.monotonicMs()
    client.on('error', (error) => this.close('lost', error))
    client.on('end', () => this.close('lost', undefined))
  }

  get inFlight(): number {
    return this.#flights.length
  }

  /** When the query that the server works on now came to be the first in line. */
  get headSinceMs(): number {
    return this.#head.sinceMs
  }

  /** It is being asked whether it still stands. */
  get isChecking(): boolean {
    return this.#proof.isChecking
  }

  get isIdle(): boolean {
    return this.#flights.length === 0 && this.isUsable
  }

  /** Takes more reads, as far as its state goes. */
  get takesReads(): boolean {
    return this.isUsable && !this.isReserved && this.#flights[0]?.isAlone !== true
  }

  get isUsable(): boolean {
    return (
      !this.isLent &&
      !this.isChecking &&
      !this.#cancellation.canHit &&
      this.retiring === undefined &&
      !this.isClosed
    )
  }

  /** The server answered on it not long ago; otherwise it has to be checked before it is used. */
  isProven(nowMs: number): boolean {
    return this.#proof.isValid(nowMs)
  }

  /** Others have broken: whether this one stands is open until the server answers on it again. */
  suspect(): void {
    this.#proof.revoke()
  }

  /** Asks the server for a sign of life; the owner hears that it is free, or closed. */
  check(): void {
    this.#proof.check(this.client, {
      stands: () => {
        if (this.isClosed) return
        this.#proof.renew(this.#owner.clock.monotonicMs())
        this.#owner.freed(this)
      },
      lost: (error) => this.close('lost', error),
      unresponsive: () => this.close('unresponsive'),
    })
  }

  /** Sends a query behind those that are under way. */
  send(flight: Flight, nowMs: number): void {
    if (this.#flights.length === 0) {
      this.#head.begin(nowMs)
      this.#begin(nowMs)
    }
    flight.sentAtMs = nowMs
    this.queryCount++
    this.#flights.push(flight)
    flight.deadlineMs = flight.timeoutMs === false ? Infinity : nowMs + flight.timeoutMs
    this.#deadlines.watch(flight.deadlineMs)
    corkForTick(this.client.connection.stream)
    this.#prepared.dropUnwanted(this.#flights)

    let isSending = true
    let encodeError: Error | null | undefined
    const query = flight.toQuery((error, result) => {
      // pg reports a parameter that it cannot encode while it sends, and the end of that query once
      // more when the server is ready again. It has closed the statement then.
      if (isSending) encodeError = error
      else this.#landed(flight, encodeError ?? error ?? undefined, result)
    })
    this.client.query(query)
    isSending = false
    if (encodeError && flight.preparedName !== undefined) this.#disown(flight, flight.preparedName)
  }

  /** Resolves when nothing is under way that a listener of the pool has sent; rejects if it broke. */
  whenReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = () => reject(new Error('the connection broke before its first use'))
      if (this.isClosed) {
        refuse()
      } else if (this.client.readyForQuery) {
        resolve()
      } else {
        this.client.once('drain', resolve)
        this.client.once('end', refuse)
      }
    })
  }

  /** Gives the client to a borrower, without pipelining: cursors and COPY need it so. */
  lend(): PipelinedClient {
    this.isLent = true
    this.#begin(this.#owner.clock.monotonicMs())
    this.queryCount++
    this.client.pipeline = false
    return this.client
  }

  /** Takes the client back, and rolls back what the borrower left open. */
  takeBack(): void {
    clearBehindLoan(this.client, {
      cleared: (hasAnswered) => {
        if (hasAnswered) this.#proof.renew(this.#owner.clock.monotonicMs())
        this.#returned()
      },
      lost: (error) => this.close('lost', error),
    })
  }

  #returned(): void {
    if (this.isClosed) return
    this.isLent = false
    this.#owner.workload.served()
    this.#rest(this.#owner.clock.monotonicMs())
    this.client.pipeline = true
    this.#owner.freed(this)
  }

  /**
   * The caller does not want the answer any more. Behind others the query is a read: it is answered
   * at once, and cancelled if it is still to run. The first in line is cancelled now, and its caller
   * hears what the server says of it.
   */
  giveUp(flight: Flight, surrender: Surrender): void {
    if (flight.surrender !== undefined) return
    flight.surrender = surrender
    if (flight !== this.#flights[0]) flight.reject(surrender.cancelled)
    else if (!this.#cancellation.isSending) this.#cancelHead(flight, surrender)
  }

  /** A prepared statement that is not wanted any more; removed with the next query. */
  forgetStatement(name: string): void {
    this.#prepared.forget(name)
  }

  /** Ends it, well if it is idle, else by cutting the socket. */
  close(reason: CloseReason, error?: Error): void {
    if (this.isClosed) return
    const wasIdle = this.#flights.length === 0 && !this.isLent && !this.isChecking
    this.isClosed = true
    this.#rest(this.#owner.clock.monotonicMs())
    this.#deadlines.stop()
    // The server would not notice that nobody waits any more.
    if (reason === 'end' && this.#flights.length > 0) {
      void requestCancel(this.client, AbortSignal.timeout(lastCancelMs))
    }
    if (wasIdle && reason !== 'lost') void this.client.end().catch(() => {})
    else this.client.connection.stream.destroy(error)
    this.#owner.closed(this, reason, error)
  }

  #landed(flight: Flight, error: Error | undefined, result: QueryResult): void {
    // The server closes the connection after it, which shows a moment later: nobody may get it now.
    if (error !== undefined && (isFatal(error) || isUnsent(error))) this.close('lost', error)
    if (flight.isAlone && error !== undefined && !this.client.readyForQuery && !this.isClosed) {
      onceStateIsKnown(this.client, () => this.#finishAlone(flight, error, result))
    } else if (flight.isAlone) {
      this.#finishAlone(flight, error, result)
    } else {
      this.#finish(flight, error, result)
    }
  }

  #finishAlone(flight: Flight, error: Error | undefined, result: QueryResult): void {
    if (this.isClosed || this.client.getTransactionStatus() === 'I') {
      this.#finish(flight, error, result)
      return
    }
    const settle = () =>
      this.#finish(flight, error ?? leftTransactionOpen(flight.request.text), result)
    this.client.query('ROLLBACK').then(settle, (lost: Error) => {
      this.close('lost', lost)
      settle()
    })
  }

  #finish(flight: Flight, error: Error | undefined, result: QueryResult): void {
    const nowMs = this.#owner.clock.monotonicMs()
    this.#flights.splice(this.#flights.indexOf(flight), 1)
    this.#head.learn(flight, nowMs)
    this.#owner.workload.served()
    this.#head.begin(nowMs)
    if (!this.isClosed) this.#proof.renew(nowMs)
    if (flight.statement.altersSession) this.retiring ??= 'session'

    // In this order: whoever hears the answer and asks again finds the connection free.
    const isRerun = error !== undefined && this.#mayRerun(flight, error)
    const head = this.#flights[0]
    if (head === undefined) {
      this.idleSinceMs = nowMs
      this.#rest(nowMs)
      this.#cancellation.landed()
    } else if (head.surrender !== undefined && !this.#cancellation.isSending) {
      this.#cancelHead(head, head.surrender)
    }
    if (isRerun) this.#owner.rerun(flight)
    else if (error === undefined) flight.resolve(result)
    else flight.reject(isCancelled(error) ? (verdict(flight) ?? error) : error)
    if (!this.isClosed) this.#owner.freed(this)
  }

  #begin(nowMs: number): void {
    this.#isBusy = true
    this.#owner.workload.begun(nowMs)
  }

  #rest(nowMs: number): void {
    if (!this.#isBusy) return
    this.#isBusy = false
    this.#owner.workload.ended(nowMs)
  }

  // All of these failures happen before the query has had any effect.
  #mayRerun(flight: Flight, error: Error): boolean {
    if (flight.surrender !== undefined || flight.reruns >= maxReruns) return false
    const isVictim = isCancelled(error) && this.#cancellation.canHit
    // A statement that somebody deallocated, or whose result type a migration changed.
    const name = flight.preparedName
    const isStale = isStaleStatement(error) && name !== undefined
    // Cut off by the pool itself, behind a query that the server did not answer.
    const isCutOff = this.retiring === 'unresponsive' && flight.statement.travel === 'read'
    if (!isVictim && !isStale && !isCutOff && !isUnsent(error)) return false
    if (isStale) this.#disown(flight, name)
    flight.reruns++
    return true
  }

  // The statement will be prepared anew, under another name: queries that still count on this one
  // may be under way.
  #disown(flight: Flight, name: string): void {
    this.forgetStatement(name)
    if (flight.statement.name === name) flight.statement.name = undefined
    flight.preparedName = undefined
  }

  // While a cancel is on its way nothing new is sent here: it could hit what comes next. It can still
  // hit the reads that were sent already; they are sent again, and their callers see nothing of it.
  #cancelHead(flight: Flight, surrender: Surrender): void {
    this.#owner.cancelling()
    const isUnderWay = () => this.#flights[0] === flight && !this.isClosed
    void this.#cancellation.run(isUnderWay).then((hasEnded) => {
      if (hasEnded) return
      flight.reject(surrender.unknown)
      this.retiring = 'unresponsive'
      this.close('unresponsive')
    })
  }

  #cancelMissed(): void {
    const head = this.#flights[0]
    if (head === undefined) {
      this.#cancellation.landed()
      if (!this.isClosed) this.#owner.freed(this)
    } else if (head.surrender !== undefined) {
      this.#cancelHead(head, head.surrender)
    }
  }

  #giveUpLate(nowMs: number): number {
    let nextMs = Infinity
    for (const flight of [...this.#flights]) {
      if (flight.surrender !== undefined) continue
      if (flight.deadlineMs > nowMs) nextMs = Math.min(nextMs, flight.deadlineMs)
      else this.giveUp(flight, timedOut(flight.request.text, `${flight.timeoutMs} ms`))
    }
    return nextMs
  }
}

// What the caller hears whose query was cancelled because he gave up.
function verdict({ statement, surrender }: Flight): Error | undefined {
  return statement.isAtomic ? surrender?.cancelled : surrender?.partial
}
