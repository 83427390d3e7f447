import pg, { type QueryResult } from 'pg'
import type { Dispatcher } from './dispatcher.ts'
import { aborted, copyAsText, poolClosed, transactionOutsideClient } from './errors.ts'
import type { Fleet } from './fleet.ts'
import { Flight, type Answer } from './flight.ts'
import { Functions, lookUpText } from './functions.ts'
import { observer } from './observe.ts'
import type { ResolvedPoolOptions } from './options.ts'
import { readQuery, type QueryInput } from './query-input.ts'
import { mayShare, readStatement, type Statement } from './statement.ts'
import { Statements } from './statements.ts'

// What the server is asked about functions must not hold a connection for long.
const lookUpMs = 1_000

/** The queries of a pool: reads what each is, sends it on its way, and hears how it ended. */
export class Queries {
  count = 0
  errorCount = 0
  /** Takes no more queries. */
  isClosed = false
  readonly #dispatcher: Dispatcher
  readonly #options: ResolvedPoolOptions
  readonly #statements: Statements
  readonly #functions: Functions

  constructor(fleet: Fleet, dispatcher: Dispatcher, options: ResolvedPoolOptions) {
    this.#dispatcher = dispatcher
    this.#options = options
    this.#statements = new Statements(options.maxStatements, (name) => {
      for (const connection of fleet.connections) connection.forgetStatement(name)
    })
    const lookUp = readStatement(lookUpText)
    this.#functions = new Functions((names, answer) => this.#lookUp(lookUp, names, answer))
  }

  /** Runs a query as `pool.query` is asked to. */
  run(input: QueryInput, values: unknown): Promise<QueryResult> {
    const answer = new Promise<QueryResult>((resolve, reject) => {
      this.#launch(input, values, resolve, reject)
    })
    return answer.catch(withCallersStack)
  }

  #launch(
    input: QueryInput,
    values: unknown,
    resolve: (result: QueryResult) => void,
    reject: (error: unknown) => void,
  ): void {
    const { clock, commandTimeoutMs, name } = this.#options
    const { request, signal, timeoutMs = commandTimeoutMs } = readQuery(input, values)
    const statement = this.#statements.find(request.text)
    if (statement.travel === 'copy') throw copyAsText(request.text)
    if (statement.travel === 'transaction') throw transactionOutsideClient(request.text)
    if (this.isClosed) throw poolClosed(name)
    signal?.throwIfAborted()
    if (!statement.isJudged) this.#functions.judge(statement)

    const isAlone = !mayShare(statement)
    const nowMs = clock.monotonicMs()
    const observe = observer(name, request, clock)
    const flight = new Flight(request, statement, isAlone, timeoutMs, nowMs, (error, result) => {
      this.count++
      observe?.(error, result)
      if (result !== undefined) {
        resolve(result)
      } else {
        this.errorCount++
        reject(error)
      }
      this.#learnFunctions(statement, error)
    })
    if (signal !== undefined) this.#watchAbort(flight, signal)
    this.#dispatcher.dispatch(flight, nowMs)
  }

  #learnFunctions(statement: Statement, error: unknown): void {
    if (statement.definesFunctions) {
      this.#functions.forget(this.#statements.all())
    } else if (!statement.isJudged || (error !== undefined && statement.functions.length > 0)) {
      // Not before those are served who wait for the connection that this one has just left.
      queueMicrotask(() => this.#functions.answered(statement, error))
    }
  }

  #lookUp(statement: Statement, names: readonly string[], answer: Answer): void {
    const { request } = readQuery(lookUpText, [names])
    const nowMs = this.#options.clock.monotonicMs()
    const flight = new Flight(request, statement, !mayShare(statement), lookUpMs, nowMs, answer)
    if (this.isClosed) flight.reject(poolClosed(this.#options.name))
    else this.#dispatcher.dispatch(flight, nowMs)
  }

  #watchAbort(flight: Flight, signal: AbortSignal): void {
    const abort = () => {
      if (this.#dispatcher.withdraw(flight)) flight.reject(signal.reason)
      else flight.connection?.giveUp(flight, aborted(flight.request.text, signal.reason))
    }
    signal.addEventListener('abort', abort, { once: true })
    flight.onAnswered = () => signal.removeEventListener('abort', abort)
  }
}

// pg makes its errors while it reads the socket. Their stack is of no use to anybody; this one leads
// to whoever awaits the query.
function withCallersStack(error: unknown): never {
  if (error instanceof pg.DatabaseError) Error.captureStackTrace(error, withCallersStack)
  throw error
}
