import type { QueryConfig, QueryResult } from 'pg'
import { knownOptions, type Clock } from '../core/index.ts'
import type { LentClient } from './borrow.ts'
import { Cancellation } from './cancellation.ts'
import type { CopyClient, CopyHost, CopyWork } from './copy-options.ts'
import { TableSink } from './copy-sink.ts'
import { copyAsText, queryInvalid } from './errors.ts'
import type { QueryRequest } from './flight.ts'
import { observer } from './observe.ts'
import { readQuery, type QueryInput } from './query-input.ts'
import { readStatement } from './statement.ts'
import type { Transaction } from './types.ts'

// How long the server may take to answer a COMMIT or a ROLLBACK. After that it is frozen or gone.
const graceMs = 1_000

/** What a session needs of its pool. */
export interface SessionHost {
  readonly name: string
  readonly clock: Clock
}

/** One attempt at a transaction, on a client that is its own. */
export class TransactionSession {
  /** From here on the outcome is the server's to tell. */
  isCommitSent = false
  /** The transaction has ended, and the connection may carry somebody else's next. */
  isClean = false
  /** Nobody knows what the server has made of it: the connection must not be used any more. */
  isBroken = false
  readonly #client: LentClient
  readonly #host: SessionHost
  readonly #signal: AbortSignal
  // The work's own queries stand in line here and not in the client: what has not been sent can
  // still be withdrawn.
  #last: Promise<unknown> = Promise.resolve()
  #inFlight = 0
  /** The query that made the transaction fail. */
  #failure: unknown
  #savepoints = 0
  #stopped: Promise<void> | undefined
  /** Has the client alone until it is closed or aborted. */
  #copy: CopyWork | undefined

  constructor(client: LentClient, host: SessionHost, signal: AbortSignal) {
    this.#client = client
    this.#host = host
    this.#signal = signal
  }

  /** Begins, does the work, and waits for what the work did not wait for. */
  async within<T>(begin: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const stop = () => void this.#stop()
    this.#signal.addEventListener('abort', stop, { once: true })
    try {
      await this.#enqueue({ text: begin })
      const result = await Promise.race([this.#work(work), this.#aborted()])
      if (this.#status === 'I') {
        throw queryInvalid('a query of the transaction has ended it; nothing more can be undone')
      }
      return result
    } finally {
      this.#signal.removeEventListener('abort', stop)
    }
  }

  /** Resolves with what the server made of it: `COMMIT`, or `ROLLBACK` where a query had failed. */
  async commit(): Promise<string> {
    this.#signal.throwIfAborted()
    this.isCommitSent = true
    const sent = this.#client.query('COMMIT')
    // A COMMIT is not cancelled. When the time is up, the server has its grace to answer.
    const { promise: late, reject } = Promise.withResolvers<never>()
    const giveUp = () => this.#host.clock.after(graceMs, () => reject(this.#signal.reason))
    this.#signal.addEventListener('abort', giveUp, { once: true })
    try {
      const { command } = await Promise.race([sent, late])
      this.isClean = true
      return command
    } finally {
      sent.catch(() => {})
      this.#signal.removeEventListener('abort', giveUp)
    }
  }

  /** Undoes it. Never rejects; `isClean` says whether it went well. */
  async rollBack(): Promise<void> {
    if (this.isClean || this.isBroken) return
    await this.#stop()
    if (this.#inFlight > 0) return
    const done = await this.#inGrace(
      this.#client.query('ROLLBACK').then(
        () => true,
        () => false,
      ),
    )
    this.isClean = done === true && this.#status === 'I'
  }

  // The transaction is over for its work when the work's promise settles, and in a savepoint likewise.
  async #work<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const state: WorkState = { isOver: false, hasInner: false }
    const query = (input: QueryInput, values?: unknown) => this.#query(state, input, values)
    const tx: Transaction = {
      query: query as Transaction['query'],
      transaction: (inner) => this.#savepoint(state, inner),
      copyInto: (table, columns, options = {}) => {
        knownOptions('tx.copyInto', options, ['freeze'])
        return new TableSink(this.#copyHost(state), table, columns, options)
      },
    }
    try {
      const result = await work(tx)
      if (state.hasInner) throw queryInvalid('an inner transaction was not awaited')
      this.#checkCopy()
      state.isOver = true
      await this.#last
      // Also when the work caught it: PostgreSQL refuses everything after it, and COMMIT would roll back.
      if (this.#failure !== undefined) throw this.#failure
      return result
    } finally {
      state.isOver = true
    }
  }

  async #savepoint<T>(outer: WorkState, work: (tx: Transaction) => Promise<T>): Promise<T> {
    checkState(outer)
    this.#checkCopy()
    outer.hasInner = true
    const name = `hotpath_${++this.#savepoints}`
    try {
      await this.#enqueue({ text: `savepoint ${name}` })
      try {
        const result = await this.#work(work)
        await this.#enqueue({ text: `release savepoint ${name}` })
        return result
      } catch (error) {
        await this.#copy?.abort(error)
        await this.#leave(name)
        throw error
      }
    } finally {
      outer.hasInner = false
    }
  }

  // Where this fails too, the whole transaction has failed already.
  async #leave(savepoint: string): Promise<void> {
    try {
      await this.#enqueue({ text: `rollback to savepoint ${savepoint}` })
      this.#failure = undefined
      await this.#enqueue({ text: `release savepoint ${savepoint}` })
    } catch {}
  }

  #query(state: WorkState, input: QueryInput, values: unknown): Promise<QueryResult> {
    let request: QueryRequest
    try {
      request = readRequest(state, input, values)
      this.#checkCopy()
    } catch (error) {
      return Promise.reject(error)
    }
    const observe = observer(this.#host.name, request, this.#host.clock)
    const answer = this.#enqueue(request)
    if (observe !== undefined) {
      answer.then(
        (result) => observe(undefined, result),
        (error: unknown) => observe(error, undefined),
      )
    }
    return answer
  }

  #copyHost(state: WorkState): CopyHost {
    return {
      clock: this.#host.clock,
      isTransaction: true,
      connect: (sink) => {
        checkState(state)
        this.#checkCopy()
        return this.#lend(sink)
      },
    }
  }

  // The COPY takes its turn in the line, and keeps it until it gives the client back.
  async #lend(sink: CopyWork): Promise<CopyClient> {
    const { promise: returned, resolve: giveBack } = Promise.withResolvers<void>()
    const turn = this.#last
    this.#last = turn.then(() => returned)
    this.#copy = sink
    this.#inFlight++
    const release = (isBroken: boolean, failure?: unknown) => {
      this.#inFlight--
      this.#copy = undefined
      this.isBroken ||= isBroken
      this.#failure ??= failure
      giveBack()
    }
    await turn
    if (this.#stopped !== undefined) {
      release(false)
      throw this.#signal.reason ?? queryInvalid('the transaction has ended')
    }
    return { query: (stream) => this.#client.query(stream), release }
  }

  #checkCopy(): void {
    if (this.#copy === undefined) return
    throw queryInvalid('a COPY of the transaction is under way: close or abort its sink first')
  }

  #enqueue(request: QueryConfig | QueryRequest): Promise<QueryResult> {
    const answer = this.#last.then(() => {
      if (this.#stopped !== undefined)
        throw this.#signal.reason ?? queryInvalid('the transaction has ended')
      return this.#send(request)
    })
    // An answer that nobody awaits must not end the process: the transaction fails with it anyway.
    this.#last = answer.catch(() => {})
    return answer
  }

  async #send(request: QueryConfig | QueryRequest): Promise<QueryResult> {
    this.#inFlight++
    try {
      return await this.#client.query(request as QueryConfig)
    } catch (error) {
      this.#failure ??= error
      throw error
    } finally {
      this.#inFlight--
    }
  }

  // Cancels what is under way on the server, and sends nothing more. Only when the last cancel was
  // delivered and its query has ended does it resolve: what comes next cannot be hit by it.
  #stop(): Promise<void> {
    return (this.#stopped ??= this.#cancel())
  }

  async #cancel(): Promise<void> {
    // The server does not hear a cancel while it waits for rows, nor the end of them while it waits for a lock.
    void this.#copy?.abort(this.#signal.reason)
    const cancellation = new Cancellation(this.#client, this.#host.clock)
    await cancellation.run(() => this.#inFlight > 0, this.#last)
  }

  async #inGrace<T>(work: Promise<T>): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const timer = this.#host.clock.after(graceMs, () => resolve(undefined))
    const first = await Promise.race([work, promise])
    timer.cancel()
    return first
  }

  #aborted(): Promise<never> {
    return new Promise((_resolve, reject) => {
      const { reason } = this.#signal
      if (this.#signal.aborted) reject(reason)
      this.#signal.addEventListener('abort', () => reject(this.#signal.reason), { once: true })
    })
  }

  get #status(): string | null {
    return this.#client.getTransactionStatus()
  }
}

interface WorkState {
  isOver: boolean
  hasInner: boolean
}

function checkState({ isOver, hasInner }: WorkState): void {
  if (isOver) throw queryInvalid('the transaction of this tx has ended; await what belongs to it')
  if (hasInner) {
    throw queryInvalid('an inner transaction is under way: use its tx, or wait for its end')
  }
}

function readRequest(state: WorkState, input: QueryInput, values: unknown): QueryRequest {
  checkState(state)
  const { request, signal, timeoutMs } = readQuery(input, values)
  if (signal !== undefined || timeoutMs !== undefined) {
    throw queryInvalid('in a transaction, signal and timeoutMs are options of pool.transaction')
  }
  const { travel } = readStatement(request.text)
  if (travel === 'copy') throw copyAsText(request.text)
  if (travel === 'transaction') {
    throw queryInvalid(
      'pool.transaction begins and ends its transaction itself; tx.transaction sets a savepoint',
    )
  }
  return request
}
