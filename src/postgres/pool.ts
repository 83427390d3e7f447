import { EventEmitter } from 'node:events'
import type { ClientConfig, Pool, PoolClient } from 'pg'
import { activeTrace, knownOptions, noteDatabaseUse, register } from '../core/index.ts'
import { Borrow, type LentClient } from './borrow.ts'
import type { Connection } from './connection.ts'
import type { CloseReason } from './connection-owner.ts'
import type { CopyHost } from './copy-options.ts'
import { TableSink } from './copy-sink.ts'
import { copyRows } from './copy-source.ts'
import { Dispatcher, type DispatcherOwner } from './dispatcher.ts'
import { connectFailed, poolClosed, poolExhausted, queueFull } from './errors.ts'
import { recordQuery, type QueryMethod } from './evidence/record.ts'
import { Fleet, type FleetOwner } from './fleet.ts'
import type { Flight } from './flight.ts'
import { LeakWatch, type Loan } from './leaks.ts'
import { announceConnection } from './observe.ts'
import type { ResolvedPoolOptions } from './options.ts'
import { isPortal, runPortal } from './portal.ts'
import { Queries } from './queries.ts'
import type { QueryInput } from './query-input.ts'
import { sizingHint, type SizingHint, type SizingOptions } from './sizing.ts'
import { runTransaction, type TransactionHost } from './transaction.ts'
import type { PoolStats, PostgresPool } from './types.ts'
import type { Waiter } from './waiting.ts'

type ConnectCallback = (
  error: unknown,
  client: PoolClient | undefined,
  release: (fate?: Error | boolean) => void,
) => void

/**
 * The pool; `createPool` gives it its public type. Its name has "Pool" in it because Drizzle looks
 * for that before it borrows a client for a transaction.
 */
export class HotpathPool extends EventEmitter implements FleetOwner, DispatcherOwner {
  readonly #options: ResolvedPoolOptions
  readonly #fleet: Fleet
  readonly #dispatcher: Dispatcher
  readonly #queries: Queries
  readonly #leaks: LeakWatch | undefined
  readonly #unregister: () => void
  #acquireTimeouts = 0
  #connectError: Error | undefined
  #ended: PromiseWithResolvers<void> | undefined

  constructor(config: ClientConfig, options: ResolvedPoolOptions) {
    super()
    this.#options = options
    this.#fleet = new Fleet(config, options, this)
    this.#dispatcher = new Dispatcher(this.#fleet, options, this)
    this.#queries = new Queries(this.#fleet, this.#dispatcher, options)
    const { name, clock, leakDetectionMs } = options
    if (leakDetectionMs !== false) {
      this.#leaks = new LeakWatch(name, clock, leakDetectionMs, ({ site, client }) => {
        this.emit('leak', site, client)
      })
    }
    this.#unregister = register('pool', options.name, () => this.stats())
    this.#fleet.grow(0)
  }

  readonly query: Pool['query'] = ((input: QueryInput, values?: unknown, callback?: unknown) => {
    noteDatabaseUse()
    if (isPortal(input)) {
      runPortal(input, this.#borrow())
      return input
    }
    if (activeTrace() === undefined) return this.#ask(input, values, callback)
    return recordQuery(this.#ask as QueryMethod, this, [input, values, callback])
  }) as Pool['query']

  readonly #ask = (input: QueryInput, values?: unknown, callback?: unknown): unknown => {
    // No query, but somebody who waits for an answer.
    if (typeof input === 'function') return withCallback(this.#queries.run(input, undefined), input)
    if (typeof values === 'function')
      return withCallback(this.#queries.run(input, undefined), values)
    if (typeof callback === 'function')
      return withCallback(this.#queries.run(input, values), callback)
    return this.#queries.run(input, values)
  }

  readonly connect: Pool['connect'] = ((callback?: ConnectCallback) => {
    noteDatabaseUse()
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

  readonly transaction: PostgresPool['transaction'] = (work, options) =>
    runTransaction(this.#host, work, options)

  readonly copyInto: PostgresPool['copyInto'] = (table, columns, options = {}) => {
    knownOptions('copyInto', options, ['signal'])
    return new TableSink(this.#host, table, columns, options)
  }

  readonly copyFrom: PostgresPool['copyFrom'] = (from, options = {}) =>
    copyRows(() => this.#borrow(), from, options)

  /** What transactions and COPY need of their pool. */
  get #host(): TransactionHost & CopyHost {
    return { ...this.#options, isTransaction: false, connect: () => this.#borrow() }
  }

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
    return this.#dispatcher.waitingCount
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
      queries: this.#queries.count,
      errors: this.#queries.errorCount,
      waits: this.#dispatcher.waits.snapshot(),
      acquireTimeouts: this.#acquireTimeouts,
      leaks: this.#leaks?.reportedCount ?? 0,
      cancels: cancelCount,
      opened: openedCount,
      closed: { ...closedCounts },
    }
  }

  sizingHint(options: SizingOptions = {}): SizingHint {
    const { clock, maxConnections } = this.#options
    return sizingHint(this.#fleet.workload.slices(clock.monotonicMs()), maxConnections, options)
  }

  opened(connection: Connection): void {
    this.#connectError = undefined
    announceConnection(this.#options.name, 'opened', undefined)
    this.emit('connect', connection.client)
  }

  freed(): void {
    this.#dispatcher.serve()
    this.#checkEnded()
  }

  closed(connection: Connection, reason: CloseReason, error: Error | undefined): void {
    announceConnection(this.#options.name, 'closed', reason)
    this.emit('remove', connection.client)
    if (error !== undefined && !connection.isLent && this.listenerCount('error') > 0) {
      this.emit('error', Object.assign(error, { client: connection.client }), connection.client)
    }
    this.#fleet.grow(this.waitingCount)
    this.#checkEnded()
  }

  openFailed(error: Error): void {
    this.#connectError = error
    // A server that was there before is expected back while the waiters' time lasts. One that never
    // answered is a mistake that its user should hear of at once, when no other attempt is under way:
    // a server that has room for a few refuses the rest.
    if (!this.#fleet.hasConnected && this.#fleet.opening === 0) {
      this.#dispatcher.rejectAll(connectFailed(error))
    }
    this.#checkEnded()
  }

  retry(): void {
    this.#fleet.grow(this.waitingCount)
  }

  late(waiter: Waiter): void {
    this.#acquireTimeouts++
    const cause = this.#connectError
    waiter.reject(
      cause === undefined
        ? poolExhausted(this.#options.acquireTimeoutMs, this.stats())
        : connectFailed(cause),
    )
    this.#checkEnded()
  }

  refused(waiter: Waiter): void {
    waiter.reject(queueFull(this.#options.maxWaiting, this.stats()))
  }

  rerun(flight: Flight): void {
    flight.queuedAtMs = this.#options.clock.monotonicMs()
    this.#dispatcher.dispatch(flight, flight.queuedAtMs)
  }

  #borrow(): Promise<LentClient> {
    const leaks = this.#leaks
    const site = leaks && new Error('borrowed here')
    let loan: Loan | undefined
    return new Promise<LentClient>((resolve, reject) => {
      if (this.#ended !== undefined) throw poolClosed(this.#options.name)
      const lend = (client: LentClient) => {
        if (site !== undefined) loan = leaks?.lent(client, site)
        this.emit('acquire', client)
        resolve(client)
      }
      const returned = (client: PoolClient, error: Error | undefined) => {
        if (loan !== undefined) leaks?.returned(loan)
        this.emit('release', error, client)
      }
      const nowMs = this.#options.clock.monotonicMs()
      this.#dispatcher.dispatch(new Borrow(nowMs, lend, reject, returned), nowMs)
    })
  }

  #end(): Promise<void> {
    if (this.#ended !== undefined) {
      return Promise.reject(new Error('Called end on pool more than once'))
    }
    this.#ended = Promise.withResolvers()
    this.#queries.isClosed = true
    this.#unregister()
    const { clock, drainTimeoutMs, name } = this.#options
    const deadline = clock.after(drainTimeoutMs, () => {
      this.#dispatcher.rejectAll(poolClosed(name))
      for (const connection of [...this.#fleet.connections]) connection.close('end')
      this.#checkEnded()
    })
    this.#checkEnded()
    return this.#ended.promise.finally(() => deadline.cancel())
  }

  #checkEnded(): void {
    if (this.#ended === undefined || this.waitingCount > 0) return
    this.#fleet.end()
    if (this.totalCount > 0) return
    this.#leaks?.stop()
    this.#ended.resolve()
  }
}

// A callback that throws ends the process, as with pg.Pool: nobody is there to catch it.
function withCallback<T>(answer: Promise<T>, callback: Function): void {
  answer.then(
    (value) => process.nextTick(callback, undefined, value),
    (error: unknown) => process.nextTick(callback, error),
  )
}
