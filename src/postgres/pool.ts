import { EventEmitter } from 'node:events'
import pg, { type ClientConfig, type Pool, type PoolClient, type QueryResult } from 'pg'
import { register } from '../core/index.ts'
import { Borrow } from './borrow.ts'
import type { CloseReason, Connection } from './connection.ts'
import {
  aborted,
  connectFailed,
  poolClosed,
  poolExhausted,
  queryInvalid,
  queueFull,
} from './errors.ts'
import { Fleet, type FleetOwner } from './fleet.ts'
import { Flight } from './flight.ts'
import { announceConnection, observer } from './observe.ts'
import type { ResolvedPoolOptions } from './options.ts'
import { readQuery, type QueryInput } from './query-input.ts'
import { reserve, routeAlone, routeRead } from './route.ts'
import { mayShare } from './statement.ts'
import { Statements } from './statements.ts'
import type { PoolStats } from './types.ts'
import { WaitingLine, type Waiter } from './waiting.ts'

type ConnectCallback = (
  error: unknown,
  client: PoolClient | undefined,
  release: (fate?: Error | boolean) => void,
) => void

/**
 * The pool; `createPool` gives it its public type. Its name has "Pool" in it because Drizzle looks
 * for that before it borrows a client for a transaction.
 */
export class HotpathPool extends EventEmitter implements FleetOwner {
  readonly #options: ResolvedPoolOptions
  readonly #fleet: Fleet
  readonly #reads: WaitingLine
  readonly #alone: WaitingLine
  readonly #statements: Statements
  readonly #unregister: () => void
  #queryCount = 0
  #errorCount = 0
  #acquireTimeouts = 0
  #connectError: Error | undefined
  #hasReserved = false
  #ended: PromiseWithResolvers<void> | undefined

  constructor(config: ClientConfig, options: ResolvedPoolOptions) {
    super()
    this.#options = options
    this.#fleet = new Fleet(config, options, this)
    const late = (waiter: Waiter) => this.#lateWaiter(waiter)
    this.#reads = new WaitingLine(options.clock, options.acquireTimeoutMs, late)
    this.#alone = new WaitingLine(options.clock, options.acquireTimeoutMs, late)
    this.#statements = new Statements(options.maxStatements, (name) => {
      for (const connection of this.#fleet.connections) connection.forgetStatement(name)
    })
    this.#unregister = register('pool', options.name, () => this.stats())
    this.#fleet.grow(0)
  }

  readonly query: Pool['query'] = ((input: QueryInput, values?: unknown, callback?: unknown) => {
    if (typeof values === 'function') return withCallback(this.#query(input, undefined), values)
    if (typeof callback === 'function') return withCallback(this.#query(input, values), callback)
    return this.#query(input, values)
  }) as Pool['query']

  readonly connect: Pool['connect'] = ((callback?: ConnectCallback) => {
    const client = this.#borrow()
    if (callback === undefined) return client
    client.then(
      (lent) => callback(undefined, lent, lent.release),
      (error: unknown) => callback(error, undefined, () => {}),
    )
    return undefined
  }) as Pool['connect']

  readonly end: Pool['end'] = ((callback?: (error?: unknown) => void) => {
    if (callback !== undefined) return withCallback(this.#end(), callback)
    return this.#end()
  }) as Pool['end']

  close(): Promise<void> {
    return this.#ended?.promise ?? this.#end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get totalCount(): number {
    return this.#fleet.connections.length + this.#fleet.opening
  }

  get idleCount(): number {
    return this.#fleet.connections.filter((connection) => connection.isIdle).length
  }

  get waitingCount(): number {
    return this.#reads.size + this.#alone.size
  }

  /** Connections past their lifetime that still have work. */
  get expiredCount(): number {
    return this.#fleet.connections.filter(({ retiring }) => retiring === 'lifetime').length
  }

  get ending(): boolean {
    return this.#ended !== undefined
  }

  get ended(): boolean {
    return this.ending && this.totalCount === 0
  }

  /** The options under pg.Pool's names, for those who read them there. */
  get options(): Pool['options'] {
    const { maxConnections, minConnections, maxIdleMs, maxLifetimeMs } = this.#options
    return {
      max: maxConnections,
      min: minConnections,
      maxUses: this.#options.maxQueriesPerConnection || Infinity,
      allowExitOnIdle: false,
      maxLifetimeSeconds: maxLifetimeMs === false ? 0 : maxLifetimeMs / 1_000,
      idleTimeoutMillis: maxIdleMs === false ? 0 : maxIdleMs,
    }
  }

  stats(): PoolStats {
    const { connections, opening, openedCount, closedCounts, cancelCount } = this.#fleet
    const idle = this.idleCount
    return {
      connections: connections.length,
      maxConnections: this.#options.maxConnections,
      opening,
      idle,
      busy: connections.length - idle,
      lent: connections.filter((connection) => connection.isLent).length,
      inFlight: connections.reduce((sum, connection) => sum + connection.inFlight, 0),
      waiting: this.waitingCount,
      queries: this.#queryCount,
      errors: this.#errorCount,
      acquireTimeouts: this.#acquireTimeouts,
      cancels: cancelCount,
      opened: openedCount,
      closed: { ...closedCounts },
    }
  }

  opened(connection: Connection): void {
    this.#connectError = undefined
    announceConnection(this.#options.name, 'opened', undefined)
    this.emit('connect', connection.client)
  }

  freed(): void {
    this.#serveWaiting()
  }

  closed(connection: Connection, reason: CloseReason, error: Error | undefined): void {
    announceConnection(this.#options.name, 'closed', reason)
    this.emit('remove', connection.client)
    if (error !== undefined && !connection.isLent && this.listenerCount('error') > 0) {
      this.emit('error', error, connection.client)
    }
    this.#fleet.grow(this.waitingCount)
    this.#checkEnded()
  }

  openFailed(error: Error): void {
    this.#connectError = error
    // A server that was there before is expected back while the waiters' time lasts. One that never
    // answered is a mistake that its user should hear of at once.
    if (!this.#fleet.hasConnected) this.#rejectWaiting(connectFailed(error))
    this.#checkEnded()
  }

  retry(): void {
    this.#fleet.grow(this.waitingCount)
  }

  rerun(flight: Flight): void {
    flight.queuedAtMs = this.#options.clock.monotonicMs()
    this.#dispatch(flight, flight.queuedAtMs)
  }

  #query(input: QueryInput, values: unknown): Promise<QueryResult> {
    const answer = new Promise<QueryResult>((resolve, reject) => {
      this.#launch(input, values, resolve, reject)
    })
    return answer.catch(withCallersStack)
  }

  #launch(
    input: QueryInput,
    values: unknown,
    resolve: (result: QueryResult) => void,
    reject: (error: unknown) => void,
  ): void {
    const { clock, commandTimeoutMs, name } = this.#options
    const { request, signal, timeoutMs = commandTimeoutMs } = readQuery(input, values)
    const statement = this.#statements.find(request.text)
    if (statement.travel === 'transaction') throw transactionOutsideClient(request.text)
    if (this.#ended !== undefined) throw poolClosed(name)
    signal?.throwIfAborted()

    const isAlone = !mayShare(statement)
    const nowMs = clock.monotonicMs()
    const observe = observer(name, request, clock)
    const flight = new Flight(request, statement, isAlone, timeoutMs, nowMs, (error, result) => {
      this.#queryCount++
      observe?.(error, result)
      if (result !== undefined) {
        resolve(result)
      } else {
        this.#errorCount++
        reject(error)
      }
    })
    if (signal !== undefined) this.#watchAbort(flight, signal)
    this.#dispatch(flight, nowMs)
  }

  #watchAbort(flight: Flight, signal: AbortSignal): void {
    const abort = () => {
      if (this.#line(flight).remove(flight)) {
        flight.reject(signal.reason)
        this.#reserve()
      } else {
        flight.connection?.giveUp(flight, aborted(flight.request.text, signal.reason))
      }
    }
    signal.addEventListener('abort', abort, { once: true })
    flight.onAnswered = () => signal.removeEventListener('abort', abort)
  }

  #borrow(): Promise<PoolClient> {
    const borrowed = new Promise<PoolClient>((resolve, reject) => {
      if (this.#ended !== undefined) throw poolClosed(this.#options.name)
      const lend = (client: PoolClient) => {
        this.emit('acquire', client)
        resolve(client)
      }
      const returned = (client: PoolClient, error: Error | undefined) => {
        this.emit('release', error, client)
      }
      const nowMs = this.#options.clock.monotonicMs()
      this.#dispatch(new Borrow(nowMs, lend, reject, returned), nowMs)
    })
    return borrowed.catch(withCallersStack)
  }

  #dispatch(waiter: Waiter, nowMs: number): void {
    const connection = this.#route(waiter, nowMs)
    if (connection === undefined) {
      this.#wait(waiter)
      return
    }
    if (connection.inFlight > 0) this.#fleet.grow(1)
    waiter.start(connection, nowMs)
  }

  #route(waiter: Waiter, nowMs: number): Connection | undefined {
    const { connections, roundTrip } = this.#fleet
    if (!waiter.isAlone) {
      return routeRead(connections, this.#options.maxPipelined, nowMs - roundTrip.usualMs)
    }
    return routeAlone(connections)
  }

  #wait(waiter: Waiter): void {
    if (this.waitingCount >= this.#options.maxWaiting) {
      waiter.reject(queueFull(this.#options.maxWaiting, this.stats()))
      return
    }
    this.#line(waiter).add(waiter)
    this.#reserve()
    this.#fleet.grow(this.waitingCount)
  }

  // In order of their coming, but a read may pass someone who needs a connection alone and the other
  // way round: each takes what the other cannot use.
  #serveWaiting(): void {
    if (this.waitingCount > 0) {
      const nowMs = this.#options.clock.monotonicMs()
      let served = this.#serveFirst(nowMs)
      while (served) served = this.#serveFirst(nowMs)
      this.#reserve()
    }
    this.#checkEnded()
  }

  #serveFirst(nowMs: number): boolean {
    const waiters = [this.#reads.first(), this.#alone.first()].filter(
      (first) => first !== undefined,
    )
    waiters.sort((a, b) => a.queuedAtMs - b.queuedAtMs)
    for (const waiter of waiters) {
      const connection = this.#route(waiter, nowMs)
      if (connection === undefined) continue
      this.#line(waiter).remove(waiter)
      waiter.start(connection, nowMs)
      return true
    }
    return false
  }

  #line(waiter: Waiter): WaitingLine {
    return waiter.isAlone ? this.#alone : this.#reads
  }

  #reserve(): void {
    const wanted = this.#alone.size
    if (wanted === 0 && !this.#hasReserved) return
    this.#hasReserved = wanted > 0
    reserve(this.#fleet.connections, wanted)
  }

  #lateWaiter(waiter: Waiter): void {
    this.#acquireTimeouts++
    const cause = this.#connectError
    waiter.reject(
      cause === undefined
        ? poolExhausted(this.#options.acquireTimeoutMs, this.stats())
        : connectFailed(cause),
    )
    this.#reserve()
    this.#checkEnded()
  }

  #rejectWaiting(error: Error): void {
    for (const waiter of [...this.#reads.clear(), ...this.#alone.clear()]) waiter.reject(error)
    this.#reserve()
  }

  #end(): Promise<void> {
    if (this.#ended !== undefined) {
      return Promise.reject(new Error('Called end on pool more than once'))
    }
    this.#ended = Promise.withResolvers()
    this.#unregister()
    const { clock, drainTimeoutMs, name } = this.#options
    const deadline = clock.after(drainTimeoutMs, () => {
      this.#rejectWaiting(poolClosed(name))
      for (const connection of [...this.#fleet.connections]) connection.close('end')
      this.#checkEnded()
    })
    this.#checkEnded()
    return this.#ended.promise.finally(() => deadline.cancel())
  }

  #checkEnded(): void {
    if (this.#ended === undefined || this.waitingCount > 0) return
    this.#fleet.end()
    if (this.totalCount === 0) this.#ended.resolve()
  }
}

// A callback that throws ends the process, as with pg.Pool: nobody is there to catch it.
function withCallback<T>(answer: Promise<T>, callback: Function): void {
  answer.then(
    (value) => process.nextTick(callback, undefined, value),
    (error: unknown) => process.nextTick(callback, error),
  )
}

function transactionOutsideClient(text: string): Error {
  return queryInvalid(
    `"${text.trim().slice(0, 40)}" has no meaning on a pool, whose next query may run on another ` +
      'connection; take a client with pool.connect() for a transaction',
  )
}

// pg makes its errors while it reads the socket. Their stack is of no use to anybody; this one leads
// to whoever awaits the query.
function withCallersStack(error: unknown): never {
  if (error instanceof pg.DatabaseError) Error.captureStackTrace(error, withCallersStack)
  throw error
}
