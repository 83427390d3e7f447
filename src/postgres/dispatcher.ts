import { DurationCounts } from '../core/index.ts'
import type { Connection } from './connection.ts'
import type { Fleet } from './fleet.ts'
import type { ResolvedPoolOptions } from './options.ts'
import { reserve, routeAlone, routeRead } from './route.ts'
import { Turn } from './turn.ts'
import { WaitingLine, type Waiter } from './waiting.ts'

// Most never wait.
const waitBoundsMs = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, Infinity]

/** What the dispatcher tells its pool. */
export interface DispatcherOwner {
  /** This one has waited for `acquireTimeoutMs`. */
  late(waiter: Waiter): void
  /** This one found `maxWaiting` others before it. */
  refused(waiter: Waiter): void
}

/** Brings queries and borrowers to connections, and lets them wait in line where there is none. */
export class Dispatcher {
  readonly #fleet: Fleet
  readonly #options: ResolvedPoolOptions
  readonly #owner: DispatcherOwner
  // Two lines, because each takes what the other cannot use: a read goes behind other reads, and
  // what travels alone needs a connection that is idle.
  readonly #reads: WaitingLine
  readonly #alone: WaitingLine
  /** How long queries and borrowers have waited; OpenTelemetry's `db.client.connection.wait_time`. */
  readonly waits: DurationCounts = new DurationCounts(waitBoundsMs)
  readonly #turn: Turn
  #hasReserved = false

  constructor(fleet: Fleet, options: ResolvedPoolOptions, owner: DispatcherOwner) {
    this.#fleet = fleet
    this.#options = options
    this.#owner = owner
    this.#turn = new Turn(options.maxPipelined)
    const late = (waiter: Waiter) => {
      owner.late(waiter)
      this.#reserve()
    }
    this.#reads = new WaitingLine(options.clock, options.acquireTimeoutMs, late)
    this.#alone = new WaitingLine(options.clock, options.acquireTimeoutMs, late)
  }

  get waitingCount(): number {
    return this.#reads.size + this.#alone.size
  }

  /** Starts it on a connection, now or when its turn comes. */
  dispatch(waiter: Waiter, nowMs: number): void {
    const connection = this.#route(waiter, nowMs)
    this.#fleet.workload.arrived(connection === undefined)
    if (connection !== undefined) {
      if (connection.inFlight > 0) this.#fleet.grow(1)
      this.waits.add(0)
      waiter.start(connection, nowMs)
    } else if (this.waitingCount >= this.#options.maxWaiting) {
      this.#owner.refused(waiter)
    } else {
      this.#line(waiter).add(waiter)
      this.#reserve()
      this.#fleet.grow(this.waitingCount)
    }
  }

  /** Gives waiters what has become free, in order of their coming as far as they can use it. */
  serve(): void {
    if (this.waitingCount === 0) return
    const nowMs = this.#options.clock.monotonicMs()
    let served = this.#serveFirst(nowMs)
    while (served) served = this.#serveFirst(nowMs)
    this.#reserve()
  }

  /** Takes one out of the line; false when it was not there. */
  withdraw(waiter: Waiter): boolean {
    const wasWaiting = this.#line(waiter).remove(waiter)
    if (wasWaiting) this.#reserve()
    return wasWaiting
  }

  /** Turns everybody away who waits. */
  rejectAll(error: Error): void {
    const waiters = [...this.#reads.clear(), ...this.#alone.clear()]
    this.#reserve()
    for (const waiter of waiters) waiter.reject(error)
  }

  #route(waiter: Waiter, nowMs: number): Connection | undefined {
    const { connections, roundTrip } = this.#fleet
    if (waiter.isAlone) return routeAlone(connections, nowMs)
    const connection = routeRead(connections, this.#options.maxPipelined, nowMs, roundTrip.usualMs)
    // Where none is idle, the load is spread as evenly as can be: nobody is overtaken for long.
    if (connection?.inFlight !== 0) return connection
    const together = this.#turn.connection(nowMs)
    if (together !== undefined) return together
    this.#turn.sent(connection, nowMs)
    return connection
  }

  #serveFirst(nowMs: number): boolean {
    const read = this.#reads.first()
    const alone = this.#alone.first()
    const isReadFirst =
      alone === undefined || (read !== undefined && read.queuedAtMs <= alone.queuedAtMs)
    if (!isReadFirst) return this.#start(alone, nowMs) || this.#start(read, nowMs)
    return this.#start(read, nowMs, true) || this.#start(alone, nowMs)
  }

  // Whose turn it is takes any idle connection, also one that is kept clear for those behind him:
  // as long as there are many of them he would get none otherwise.
  #start(waiter: Waiter | undefined, nowMs: number, isItsTurn = false): boolean {
    if (waiter === undefined) return false
    let connection = this.#route(waiter, nowMs)
    if (isItsTurn) connection ??= routeAlone(this.#fleet.connections, nowMs)
    if (connection === undefined) return false
    this.#send(waiter, connection, nowMs)
    // Only one of the two can be caught behind a stall: half as many as stall.
    const next = waiter.isPaired ? this.#alone.first() : undefined
    if (next?.isPaired) this.#send(next, connection, nowMs)
    return true
  }

  #send(waiter: Waiter, connection: Connection, nowMs: number): void {
    this.#line(waiter).remove(waiter)
    this.waits.add(nowMs - waiter.queuedAtMs)
    waiter.start(connection, nowMs)
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
}
