import pg, { type Submittable } from 'pg'
import type { Clock } from '../core/index.ts'

/** How a COPY works. */
export interface CopyOptions {
  /** Stops it; a COPY into a table leaves nothing then. */
  signal?: AbortSignal | undefined
}

/** How a COPY into a table works within a transaction, which has the signal and the time limit. */
export interface TransactionCopyOptions {
  /**
   * Writes the rows as if they had been there for ever, which spares PostgreSQL a second pass over them.
   * Only for a table that this transaction has created or truncated; PostgreSQL refuses it elsewhere.
   *
   * @defaultValue false
   */
  freeze?: boolean | undefined
}

/** Where a COPY finds its connection. */
export interface CopyHost {
  readonly clock: Clock
  /** The COPY is part of a transaction, and undone with it when the connection breaks. */
  readonly isTransaction: boolean
  connect(sink: CopyWork): Promise<CopyClient>
}

/** The COPY that asks for a connection. */
export interface CopyWork {
  abort(reason: unknown): Promise<void>
}

/** A connection that a COPY has alone. */
export interface CopyClient {
  query<T extends Submittable>(stream: T): T
  /** @param failure - why it did not end well, where it did not */
  release(isBroken: boolean, failure?: unknown): void
}

/** The server has said what became of the COPY, and its connection is as good as before. */
export function isServersAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR'
}
