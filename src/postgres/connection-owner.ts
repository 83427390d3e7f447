import type { Clock } from '../core/index.ts'
import type { Connection } from './connection.ts'
import type { Flight } from './flight.ts'
import type { Pulse } from './pulse.ts'
import type { RoundTrip } from './round-trip.ts'
import type { Workload } from './workload.ts'

/** Who is told what becomes of a connection: its pool. */
export interface ConnectionOwner {
  readonly clock: Clock
  readonly roundTrip: RoundTrip
  readonly pulse: Pulse
  readonly workload: Workload
  /** For how long an answer proves that a connection stands. */
  readonly proofMs: number
  /** It may take work again. */
  freed(connection: Connection): void
  /** It is gone for good. */
  closed(connection: Connection, reason: CloseReason, error: Error | undefined): void
  /** The server is being asked to cancel a query. */
  cancelling(): void
  /** This query has to be sent again; nothing of it took effect. */
  rerun(flight: Flight): void
}

/** Why a connection was closed. */
export type CloseReason =
  | 'idle'
  | 'lifetime'
  | 'queries'
  | 'session'
  | 'lost'
  | 'released'
  | 'unresponsive'
  | 'end'
