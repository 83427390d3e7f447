import {
  knownOptions,
  nonEmptyString,
  nonNegativeInteger,
  positiveInteger,
  type Sink,
} from '../core/index.ts'
import { checkCsvOptions, parseCsv, type CsvOptions } from './csv.ts'
import {
  resolveRejectOptions,
  type DeliverOptions,
  type RejectOptions,
  type SinkFunction,
} from './deliver-options.ts'
import { deliver, type Delivery } from './deliver.ts'
import { groupRows } from './group-rows.ts'
import { workRows, type InWorkersOptions, type RowWorkers } from './in-workers.ts'
import { parseNdjson } from './ndjson.ts'
import { parallelRows, type ParallelFunction, type ParallelOptions } from './parallel-rows.ts'
import { Rejects } from './rejects.ts'
import { RowIterator } from './row-iterator.ts'
import {
  filterRows,
  flatMapRows,
  mapRows,
  takeRows,
  tapRows,
  type Batches,
  type RowFunction,
} from './row-steps.ts'
import { Run } from './run.ts'
import type { XmlRow } from './xml-row.ts'
import { parseXmlRows } from './xml-rows.ts'

/**
 * Rows on their way from a source to a sink, through steps. Nothing is opened or read before one of
 * `to`, `toArray`, `batches` or a `for await` asks, and then in constant memory: rows travel in
 * batches, and none is read before the last one was taken. Each of them is a run of its own.
 *
 * A row that cannot be read, or on which a step throws, goes to the run's `rejects`; without such a
 * sink it ends the run with a {@link RowError} that names its line.
 */
export class Pipeline<T> implements AsyncIterable<T> {
  readonly #open: (run: Run) => Batches<T>

  /** @internal */
  constructor(open: (run: Run) => Batches<T>) {
    this.#open = open
  }

  /** Makes another row of each. What is a promise is awaited, one row after the other. */
  map<U>(change: RowFunction<T, U>): Pipeline<Awaited<U>> {
    return new Pipeline((run) => mapRows(this.#open(run), change, run))
  }

  /** Lets through what the function says yes to. */
  filter<U extends T>(isWanted: (row: T) => row is U): Pipeline<U>
  filter(isWanted: RowFunction<T, unknown>): Pipeline<T>
  filter(isWanted: RowFunction<T, unknown>): Pipeline<T> {
    return new Pipeline((run) => filterRows(this.#open(run), isWanted, run))
  }

  /** Makes any number of rows of each. */
  flatMap<U>(expand: RowFunction<T, Iterable<U>>): Pipeline<U> {
    return new Pipeline((run) => flatMapRows(this.#open(run), expand, run))
  }

  /** Calls the function for each row, and hands the row on. */
  tap(look: RowFunction<T, unknown>): Pipeline<T> {
    return new Pipeline((run) => tapRows(this.#open(run), look, run))
  }

  /** Makes arrays of `size` rows; the last one may be shorter. */
  batch(size: number): Pipeline<readonly T[]> {
    positiveInteger('size', size)
    return new Pipeline((run) => groupRows(this.#open(run), size))
  }

  /** Only the first rows; then the source is closed. */
  take(count: number): Pipeline<T> {
    nonNegativeInteger('count', count)
    return new Pipeline((run) => takeRows(this.#open(run), count))
  }

  /**
   * Works on several rows at a time: for what waits (HTTP, a database). Other than with `map`, rows
   * are on their way at once, at most `concurrency` of them.
   */
  parallel<U>(work: ParallelFunction<T, U>, options: ParallelOptions = {}): Pipeline<Awaited<U>> {
    knownOptions('parallel', options, ['concurrency', 'ordered'])
    if (options.concurrency !== undefined) positiveInteger('concurrency', options.concurrency)
    return new Pipeline((run) => parallelRows(this.#open(run), work, options, run))
  }

  /**
   * Works on rows in worker threads, for what keeps a core busy. The named function of the module
   * gets an array of rows and returns one with a result for each; both are cloned, so it pays where
   * the work takes longer than that. When it throws, all rows that it was given have failed.
   *
   * @param target the module as a `file:` URL, or what `createWorkers` of `hotpath/workers` made of it
   *
   * @example
   * ```ts
   * // hash.ts: export const hashAll = (rows: string[]) => rows.map((row) => hash(row))
   * lines('words.txt').inWorkers<string>(new URL('./hash.ts', import.meta.url), 'hashAll')
   * ```
   */
  inWorkers<U>(
    target: URL | string | RowWorkers,
    functionName: string,
    options: InWorkersOptions = {},
  ): Pipeline<U> {
    knownOptions('inWorkers', options, ['maxThreads'])
    nonEmptyString('functionName', functionName)
    return new Pipeline((run) => workRows(this.#open(run), target, functionName, options, run))
  }

  /** Parses each line as JSON; blank lines are passed over. The type is yours to know. */
  ndjson<U = unknown>(this: Pipeline<string>): Pipeline<U> {
    return new Pipeline((run) => parseNdjson<U>(this.#open(run), run))
  }

  /**
   * Parses lines as CSV (RFC 4180); a record may go over several of them. Needs the package csv-parse.
   *
   * @throws HotpathError HOTPATH_OPTION_INVALID; HOTPATH_PEER_MISSING when it is run
   */
  csv(this: Pipeline<string>, options: CsvOptions & { columns: false }): Pipeline<string[]>
  csv(this: Pipeline<string>, options?: CsvOptions): Pipeline<Record<string, string>>
  csv<U>(this: Pipeline<string>, options: CsvOptions = {}): Pipeline<U> {
    checkCsvOptions(options)
    return new Pipeline((run) => parseCsv<U>(this.#open(run), options, run))
  }

  /**
   * Parses lines that hold one element each, such as `<row Id="1" Name="a &amp; b" />`, into objects
   * of their attributes. The declaration and the tags around the rows are passed over; anything else
   * is a row that failed, and so is a text that ends before its closing tag.
   */
  xmlRows(
    this: Pipeline<string>,
    { element = 'row' }: { element?: string } = {},
  ): Pipeline<XmlRow> {
    return new Pipeline((run) => parseXmlRows(this.#open(run), element, run))
  }

  /**
   * Moves all rows into a sink: {@link toFile}, {@link toResponse}, `pool.copyInto(...)` of
   * `hotpath/postgres`, any other `Sink`, or an async function that takes rows. When anything fails,
   * the sink is aborted and the source closed.
   *
   * @throws RowError HOTPATH_STREAM_ROW_FAILED
   * @throws HotpathError HOTPATH_STREAM_SOURCE_FAILED, HOTPATH_STREAM_SINK_FAILED,
   * HOTPATH_OPTION_INVALID
   *
   * @example
   * ```ts
   * const { rows, rejected } = await lines('users.ndjson.gz')
   *   .ndjson<User>()
   *   .filter((user) => user.isActive)
   *   .to(pool.copyInto('users', ['id', 'name']), { rejects: toFile('rejected.ndjson') })
   * ```
   */
  to(sink: SinkFunction<T>, options?: DeliverOptions): Promise<Delivery<undefined>>
  to<Result>(sink: Sink<T, Result>, options?: DeliverOptions): Promise<Delivery<Result>>
  to<Result>(
    sink: Sink<T, Result> | SinkFunction<T>,
    options: DeliverOptions = {},
  ): Promise<Delivery<Result | undefined>> {
    return deliver<T, Result | undefined>(this.#open, sink, options)
  }

  /** All rows at once, for what fits into memory. */
  async toArray(options: RejectOptions = {}): Promise<T[]> {
    const all: T[] = []
    for await (const rows of this.batches(options)) for (const row of rows) all.push(row)
    return all
  }

  /**
   * The rows in arrays as they come: the fastest way to go over them. Arrays have different lengths
   * and are never empty.
   */
  async *batches(options: RejectOptions = {}): AsyncGenerator<readonly T[], void, undefined> {
    const { rejects: target, maxRejects, signal } = resolveRejectOptions(options)
    const rejects = target && new Rejects(target, maxRejects)
    let isDone = false
    try {
      signal?.throwIfAborted()
      for await (const { rows } of this.#open(new Run(signal, rejects))) {
        if (rows.length > 0) yield rows
        signal?.throwIfAborted()
      }
      isDone = true
      await rejects?.close()
    } finally {
      if (!isDone) await rejects?.end()
    }
  }

  /** One row after the other; leaving early closes the source. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return new RowIterator(this.#open(new Run()))
  }
}
