import type { PoolClient } from 'pg'
import type { CancelTarget } from './cancel.ts'
import type { Connection } from './connection.ts'
import { traceClient } from './evidence/trace-client.ts'
import type { Waiter } from './waiting.ts'

// The words of pg.Pool.
const releasedTwice = 'Release called on client which has already been released to the pool.'

/** A client that its borrower has alone, until he releases it. */
export type LentClient = PoolClient & CancelTarget

/** Someone who wants a client to himself: `pool.connect()`. */
export class Borrow implements Waiter {
  readonly isAlone = true
  readonly isPaired = false
  readonly queuedAtMs: number
  readonly #resolve: (client: LentClient) => void
  readonly #onReturned: (client: PoolClient, error: Error | undefined) => void
  readonly reject: (error: unknown) => void

  constructor(
    queuedAtMs: number,
    resolve: (client: LentClient) => void,
    reject: (error: unknown) => void,
    onReturned: (client: PoolClient, error: Error | undefined) => void,
  ) {
    this.queuedAtMs = queuedAtMs
    this.#resolve = resolve
    this.reject = reject
    this.#onReturned = onReturned
  }

  start(connection: Connection): void {
    const client = connection.lend() as unknown as LentClient
    const untrace = traceClient(client)
    let isReleased = false
    // Whoever kept the function of an earlier loan must not end a later one with it.
    client.release = (fate) => {
      if (isReleased) throw new Error(releasedTwice)
      isReleased = true
      untrace()
      const error = fate instanceof Error ? fate : undefined
      if (fate) connection.close('released', error)
      else connection.takeBack()
      this.#onReturned(client, error)
    }
    this.#resolve(client)
  }
}
