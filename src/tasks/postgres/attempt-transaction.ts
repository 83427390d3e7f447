import { HotpathError } from '../../core/index.ts'
import type { PostgresRows, PostgresTaskPool, PostgresTransaction } from './options.ts'

type Client = Awaited<ReturnType<PostgresTaskPool['connect']>>

/**
 * The transaction of one attempt, as its handler is given it: it is over when the attempt is. A handler
 * that goes on all the same must not reach a connection that is somebody else's by then.
 */
export class AttemptTransaction implements PostgresTransaction {
  readonly #client: Client
  readonly #name: string
  #underWayCount = 0
  #isOver = false

  private constructor(client: Client, name: string) {
    this.#client = client
    this.#name = name
  }

  static async begin(pool: PostgresTaskPool, name: string): Promise<AttemptTransaction> {
    const client = await pool.connect()
    try {
      await client.query('begin')
      return new AttemptTransaction(client, name)
    } catch (error) {
      client.release(errorOf(error))
      throw error
    }
  }

  async query(text: string, values?: unknown[]): Promise<PostgresRows> {
    if (this.#isOver) throw transactionOver(this.#name)
    this.#underWayCount++
    try {
      return await this.#client.query(text, values)
    } finally {
      this.#underWayCount--
    }
  }

  /** Commits if `complete` says so; what it throws leaves the connection to nobody. */
  async commitIf(complete: (on: PostgresTransaction) => Promise<boolean>): Promise<boolean> {
    this.#isOver = true
    try {
      const isComplete = await complete(this.#client)
      await this.#client.query(isComplete ? 'commit' : 'rollback')
      this.#client.release()
      return isComplete
    } catch (error) {
      this.#client.release(errorOf(error))
      throw error
    }
  }

  async rollBack(): Promise<void> {
    this.#isOver = true
    // What the handler still asks the server would have to end first, whenever that is.
    if (this.#underWayCount > 0) return this.#client.release(transactionOver(this.#name))
    const failure = await this.#client.query('rollback').then(() => undefined, errorOf)
    this.#client.release(failure)
  }
}

function transactionOver(name: string): HotpathError {
  return new HotpathError(
    'HOTPATH_TASKS_LEASE_LOST',
    `this attempt at the task ${name} is over, and its transaction with it: listen to the signal, and await every query`,
  )
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error('a query failed', { cause: error })
}
