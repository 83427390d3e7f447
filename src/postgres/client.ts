import pg, { type ClientConfig } from 'pg'
import type { CancelTarget } from './cancel.ts'

/** What the pool uses of `pg.Client` beyond its types. */
export interface PipelinedClient
  extends Omit<pg.Client, 'pipeline' | 'connection' | 'ssl'>, CancelTarget {
  /** May be switched while nothing is under way. */
  pipeline: boolean
  /** Nothing is under way. */
  readonly readyForQuery: boolean
  /** `end` was called; pg-pool reads it too. */
  readonly _ending: boolean
  readonly connection: pg.Connection & {
    /** The texts of the statements that are prepared, by name. */
    readonly parsedStatements: Record<string, string>
    close(message: { type: 'S'; name: string }): void
  }
}

/** The clients of this package's pools, which trace for themselves. */
export const ownClients: WeakSet<object> = new WeakSet()

/** Connects and logs in; `onReached` is called when the server's machine has answered. */
export async function openClient(
  config: ClientConfig,
  onReached: () => void,
): Promise<PipelinedClient> {
  const client = new pg.Client({ ...config, pipeline: true }) as unknown as PipelinedClient
  ownClients.add(client)
  // Without a listener an error between two queries would end the process.
  client.on('error', () => {})
  client.connection.once('connect', onReached)
  await client.connect()
  return client
}
