import type { ClientConfig } from 'pg'
import type { Clock, Timer } from '../core/index.ts'
import { Connection } from './connection.ts'
import type { CloseReason, ConnectionOwner } from './connection-owner.ts'
import type { Flight } from './flight.ts'
import type { ResolvedPoolOptions } from './options.ts'
import { Pulse } from './pulse.ts'
import { RoundTrip } from './round-trip.ts'
import { Workload } from './workload.ts'

/** Who is told what becomes of the connections, and gives them their work. */
export interface FleetOwner {
  opened(connection: Connection): void
  freed(connection: Connection): void
  closed(connection: Connection, reason: CloseReason, error: Error | undefined): void
  openFailed(error: Error): void
  /** The time has come to try again after a failure. */
  retry(): void
  rerun(flight: Flight): void
}

// After a failed attempt to connect, while the server is away.
const retryMs = 50

/** The connections of a pool: how many there are, how old they get, and what replaces them. */
export class Fleet implements ConnectionOwner {
  readonly connections: Connection[] = []
  readonly clock: Clock
  readonly roundTrip: RoundTrip = new RoundTrip()
  readonly pulse: Pulse = new Pulse()
  readonly workload: Workload
  readonly proofMs: number
  /** Connections that are being opened. */
  opening = 0
  openedCount = 0
  cancelCount = 0
  readonly closedCounts: Record<CloseReason, number> = {
    idle: 0,
    lifetime: 0,
    queries: 0,
    session: 0,
    lost: 0,
    released: 0,
    unresponsive: 0,
    end: 0,
  }
  readonly #config: ClientConfig
  readonly #options: ResolvedPoolOptions
  readonly #owner: FleetOwner
  readonly #lifetimes = new Map<Connection, Timer>()
  #idleTimer: Timer | undefined
  #retryTimer: Timer | undefined
  #isEnding = false

  constructor(config: ClientConfig, options: ResolvedPoolOptions, owner: FleetOwner) {
    this.#config = { ...config, connectionTimeoutMillis: options.acquireTimeoutMs }
    this.#options = options
    this.#owner = owner
    this.clock = options.clock
    this.workload = new Workload(options.clock.monotonicMs())
    this.proofMs = options.checkAfterIdleMs || Infinity
  }

  /** True once a connection stood: from then on a server that is away is expected back. */
  get hasConnected(): boolean {
    return this.openedCount > 0
  }

  /**
   * Sees to `wanted` more connections: those that were idle for long are checked, and the others
   * opened. Opens what is missing to `minConnections` too.
   */
  grow(wanted: number): void {
    const checking = this.#check(wanted)
    if (this.#isEnding || this.#retryTimer !== undefined) return
    const { minConnections, maxConnections } = this.#options
    const total = this.connections.length + this.opening
    const missing = Math.max(minConnections - total, wanted - checking - this.opening)
    for (let room = Math.min(missing, maxConnections - total); room > 0; room--) void this.#open()
  }

  /** Ends the connections that are idle now and the others when their work is done. */
  end(): void {
    this.#isEnding = true
    this.#idleTimer?.cancel()
    this.#retryTimer?.cancel()
    for (const connection of [...this.connections]) this.#retire(connection, 'end')
  }

  freed(connection: Connection): void {
    const { maxQueriesPerConnection, maxIdleMs } = this.#options
    if (maxQueriesPerConnection !== false && connection.queryCount >= maxQueriesPerConnection) {
      connection.retiring ??= 'queries'
    }
    if (connection.retiring !== undefined) this.#retire(connection, connection.retiring)
    else this.#owner.freed(connection)
    if (maxIdleMs !== false && this.#idleTimer === undefined) this.#watchIdle(maxIdleMs)
  }

  closed(connection: Connection, reason: CloseReason, error: Error | undefined): void {
    const index = this.connections.indexOf(connection)
    if (index === -1) return // It broke before it was ready, which `#open` reports.
    this.connections.splice(index, 1)
    this.#lifetimes.get(connection)?.cancel()
    this.#lifetimes.delete(connection)
    this.closedCounts[reason]++
    // The server may have gone, or another may have taken its place.
    if (reason === 'lost' || reason === 'unresponsive') {
      for (const other of this.connections) other.suspect()
    }
    this.#owner.closed(connection, reason, error)
  }

  cancelling(): void {
    this.cancelCount++
  }

  rerun(flight: Flight): void {
    this.#owner.rerun(flight)
  }

  /** How many are being checked then. */
  #check(wanted: number): number {
    if (wanted === 0) return 0
    const nowMs = this.clock.monotonicMs()
    let checking = 0
    for (const connection of this.connections) {
      if (connection.isChecking) {
        checking++
      } else if (checking < wanted && connection.isIdle && !connection.isProven(nowMs)) {
        connection.check()
        checking++
      }
    }
    return checking
  }

  async #open(): Promise<void> {
    this.opening++
    let connection: Connection
    try {
      connection = await Connection.open(this.#config, this)
      this.#owner.opened(connection)
      // A listener may have sent it a SET or two; those come first.
      await connection.whenReady()
    } catch (error) {
      this.opening--
      this.#retryLater()
      this.#owner.openFailed(error as Error)
      return
    }
    this.opening--
    this.openedCount++
    this.connections.push(connection)
    const { maxLifetimeMs } = this.#options
    if (maxLifetimeMs !== false) {
      const lifetimeMs = maxLifetimeMs * (1 - Math.random() / 10)
      const expire = () => this.#retire(connection, 'lifetime')
      this.#lifetimes.set(connection, this.clock.after(lifetimeMs, expire))
    }
    if (this.#isEnding) this.#retire(connection, 'end')
    else this.freed(connection)
  }

  #retire(connection: Connection, reason: CloseReason): void {
    connection.retiring ??= reason
    if (connection.inFlight === 0 && !connection.isLent) connection.close(connection.retiring)
  }

  #retryLater(): void {
    if (this.#isEnding || !this.hasConnected) return
    this.#retryTimer ??= this.clock.after(retryMs, () => {
      this.#retryTimer = undefined
      this.#owner.retry()
    })
  }

  #watchIdle(maxIdleMs: number): void {
    this.#idleTimer = this.clock.after(maxIdleMs, () => {
      this.#idleTimer = undefined
      const nowMs = this.clock.monotonicMs()
      const idle = this.connections.filter((connection) => connection.isIdle)
      for (const connection of idle) {
        if (this.connections.length <= this.#options.minConnections) break
        if (nowMs - connection.idleSinceMs >= maxIdleMs) connection.close('idle')
      }
      if (this.connections.length > this.#options.minConnections && !this.#isEnding) {
        this.#watchIdle(maxIdleMs)
      }
    })
  }
}
