import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { CopyStreamQuery } from 'pg-copy-streams'
import type { Sink } from '../core/index.ts'
import {
  isServersAnswer,
  type CopyClient,
  type CopyHost,
  type CopyOptions,
  type TransactionCopyOptions,
} from './copy-options.ts'
import { loadCopyStreams } from './copy-streams.ts'
import { encodeRow } from './copy-text.ts'
import { copyOutcomeUnknown, queryInvalid } from './errors.ts'
import { SqlFragment, type SqlQuery } from './sql-fragment.ts'
import { sql } from './sql.ts'

/** A row for a COPY: its values in the order of the columns, or by their names. */
export type CopyRow = readonly unknown[] | Readonly<Record<string, unknown>>

/** Where rows go that are loaded by COPY. `close` resolves with their number. */
export interface CopySink extends Sink<CopyRow, number> {
  /** Rows that were taken so far. */
  readonly rowCount: number
}

// Enough for the server to have something to do while the next batch is written.
const bufferBytes = 256 * 1_024
// How long the server may take to confirm that a COPY was aborted.
const graceMs = 1_000

/** One COPY into a table: it takes its connection with the first batch, and gives it back at the end. */
export class TableSink implements CopySink {
  rowCount = 0
  readonly #host: CopyHost
  readonly #text: string
  readonly #columns: readonly string[]
  readonly #signal: AbortSignal | undefined
  #state: 'open' | 'closed' | 'aborted' = 'open'
  #client: CopyClient | undefined
  #stream: CopyStreamQuery | undefined
  #ended: Promise<void> = Promise.resolve()
  #failure: unknown
  #writtenInTurn = 0
  readonly #onAbort = () => void this.abort(this.#signal?.reason)

  constructor(
    host: CopyHost,
    table: string | SqlQuery<unknown>,
    columns: readonly string[],
    options: CopyOptions & TransactionCopyOptions,
  ) {
    if (columns.length === 0) throw queryInvalid('copyInto needs at least one column')
    const name = SqlFragment.isOne(table) ? table : sql.id(table as string)
    const list = sql.join(columns.map((column) => sql.id(column)))
    this.#host = host
    const text = sql`copy ${name} (${list}) from stdin`.text
    this.#text = options.freeze ? `${text} (freeze)` : text
    this.#columns = columns
    this.#signal = options.signal
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  async write(batch: readonly CopyRow[]): Promise<void> {
    const stream = await this.#open()
    let text = ''
    for (const row of batch) text += encodeRow(this.#valuesOf(row))
    this.rowCount += batch.length
    if (!stream.write(text)) await Promise.race([once(stream, 'drain'), this.#ended])
    await this.#letOthersRun(text.length)
    this.#check()
  }

  async close(): Promise<number> {
    const stream = await this.#open()
    this.#state = 'closed'
    try {
      stream.end()
      await this.#ended
      this.#release(false)
      return stream.rowCount
    } catch (error) {
      this.#release(!isServersAnswer(error), error)
      if (isServersAnswer(error)) throw this.#signal?.aborted ? this.#signal.reason : error
      if (this.#host.isTransaction) throw error
      throw copyOutcomeUnknown(error)
    }
  }

  async abort(reason: unknown): Promise<void> {
    if (this.#state === 'aborted') return
    this.#failure ??= reason ?? queryInvalid('the COPY was aborted')
    this.#state = 'aborted'
    if (this.#stream === undefined) return
    this.#stream.destroy(new Error('aborted'))
    const { promise: late, resolve } = Promise.withResolvers<boolean>()
    const timer = this.#host.clock.after(graceMs, () => resolve(false))
    const hasEnded = this.#ended.then(() => true, isServersAnswer)
    this.#release(!(await Promise.race([hasEnded, late])), this.#failure)
    timer.cancel()
  }

  async #open(): Promise<CopyStreamQuery> {
    this.#check()
    if (this.#stream !== undefined) return this.#stream
    if (this.#state !== 'open') throw queryInvalid('the COPY has ended')
    const { from } = await loadCopyStreams()
    const client = await this.#host.connect(this)
    this.#client = client
    try {
      this.#check()
    } catch (error) {
      this.#release(false)
      throw error
    }
    const stream = client.query(from(this.#text, { highWaterMark: bufferBytes }))
    this.#stream = stream
    this.#ended = finished(stream)
    // Until somebody writes or closes, nobody awaits it. The stream itself does not remember what the
    // server reports, and would crash on a write after it.
    this.#ended.catch((error: unknown) => (this.#failure ??= error))
    return stream
  }

  // A server that keeps up takes every write at once, so that none waits: nobody would read that it has
  // refused a row, nor do anything else in this process.
  async #letOthersRun(written: number): Promise<void> {
    this.#writtenInTurn += written
    if (this.#writtenInTurn < bufferBytes) return
    this.#writtenInTurn = 0
    await turnOfTheLoop()
  }

  #check(): void {
    if (this.#signal?.aborted) throw this.#signal.reason
    if (this.#failure !== undefined) throw this.#failure
  }

  #valuesOf(row: CopyRow): readonly unknown[] {
    const columns = this.#columns
    const values = isArray(row) ? row : columns.map((column) => row[column])
    if (values.length !== columns.length) {
      throw queryInvalid(`a row has ${values.length} values for ${columns.length} columns`)
    }
    const missing = values.indexOf(undefined)
    if (missing === -1) return values
    throw queryInvalid(`a row has no value for ${columns[missing]}; give null if you mean that`)
  }

  #release(isBroken: boolean, failure?: unknown): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#client?.release(isBroken, failure)
    this.#client = undefined
  }
}

function isArray(row: CopyRow): row is readonly unknown[] {
  return Array.isArray(row)
}
