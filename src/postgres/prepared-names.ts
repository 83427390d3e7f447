import type { PipelinedClient } from './client.ts'
import type { Flight } from './flight.ts'

/** The statements that are prepared on one connection, and go from it when nobody wants them any more. */
export class PreparedNames {
  readonly #connection: PipelinedClient['connection']
  readonly #unwanted = new Set<string>()

  constructor(connection: PipelinedClient['connection']) {
    this.#connection = connection
  }

  /** This one is dropped with the next query. */
  forget(name: string): void {
    if (this.#connection.parsedStatements[name] !== undefined) this.#unwanted.add(name)
  }

  /** Drops what is not wanted, ahead of the query that is about to be sent. */
  dropUnwanted(underWay: readonly Flight[]): void {
    for (const name of this.#unwanted) {
      // Its parsing may still be under way; it goes with a later query then.
      if (underWay.some((flight) => flight.preparedName === name)) continue
      this.#unwanted.delete(name)
      delete this.#connection.parsedStatements[name]
      this.#connection.close({ type: 'S', name })
    }
  }
}
