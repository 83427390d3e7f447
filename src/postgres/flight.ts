import pg, { type CustomTypesConfig, type QueryResult } from 'pg'
import type { Connection } from './connection.ts'
import { mayPair, type Statement } from './statement.ts'
import type { Waiter } from './waiting.ts'

/** A query as pg.Client takes it. */
export interface QueryRequest {
  readonly text: string
  readonly values: unknown[] | undefined
  readonly name: string | undefined
  readonly rowMode: 'array' | undefined
  readonly types: CustomTypesConfig | undefined
  readonly queryMode: 'extended' | undefined
}

/** Why nobody wants a query's answer any more, and what its caller is told. */
export interface Surrender {
  /** When the server confirms that the query was cancelled. */
  readonly cancelled: Error
  /** When it confirms that, and the query may have committed a part of its work before. */
  readonly partial: Error
  /** When the server does not answer: the query may have run. */
  readonly unknown: Error
}

/** Takes the result, or what went wrong. */
export type Answer = (error: unknown, result: QueryResult | undefined) => void

/** One query on its way: waiting for a connection, under way on one, or answered. */
export class Flight implements Waiter {
  readonly request: QueryRequest
  readonly statement: Statement
  /** Nothing else may be under way on its connection. */
  readonly isAlone: boolean
  /** From sending on; `false` for as long as it takes. */
  readonly timeoutMs: number | false
  queuedAtMs: number
  /** Called once, before the answer goes to the caller. */
  onAnswered: (() => void) | undefined
  readonly #answer: Answer
  /** Where it was sent; undefined while it waits. */
  connection: Connection | undefined
  sentAtMs: number = 0
  deadlineMs: number = Infinity
  /** Set once the caller has given up on a query that was already sent. */
  surrender: Surrender | undefined
  /** Sent again after another one's cancel hit it, or its prepared statement was gone. */
  reruns: number = 0
  isAnswered: boolean = false

  constructor(
    request: QueryRequest,
    statement: Statement,
    isAlone: boolean,
    timeoutMs: number | false,
    queuedAtMs: number,
    answer: Answer,
  ) {
    this.request = request
    this.statement = statement
    this.isAlone = isAlone
    this.timeoutMs = timeoutMs
    this.queuedAtMs = queuedAtMs
    this.#answer = answer
    this.preparedName = request.name ?? statement.name
  }

  /**
   * The name under which the query is prepared, if it is. Sent again because its statement was gone
   * or had aged, it goes without one, so that this cannot happen to it twice.
   */
  preparedName: string | undefined

  /** The query as pg sends it. */
  toQuery(callback: (error: Error | null | undefined, result: QueryResult) => void): pg.Query {
    const { text, values, rowMode, types, queryMode } = this.request
    if (rowMode !== undefined || types !== undefined || queryMode !== undefined) {
      const name = this.preparedName
      return new pg.Query({ text, values, name, rowMode, types, queryMode } as never, callback)
    }
    // pg copies a config object property by property; for a bare text it has nothing to copy.
    const query = new pg.Query(text, values as never, callback) as pg.Query & { name?: string }
    const name = this.preparedName
    if (name !== undefined) query.name = name
    return query
  }

  start(connection: Connection, nowMs: number): void {
    this.connection = connection
    connection.send(this, nowMs)
  }

  get isPaired(): boolean {
    return this.isAlone && mayPair(this.statement)
  }

  resolve(result: QueryResult): void {
    this.#settle(undefined, result)
  }

  reject(error: unknown): void {
    this.#settle(error, undefined)
  }

  #settle(error: unknown, result: QueryResult | undefined): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.onAnswered?.()
    this.#answer(error, result)
  }
}
