import type { Parser } from 'csv-parse'
import { knownOptions, loadPeer } from '../core/index.ts'
import type { Place } from './place.ts'
import { ListedBatch, type RowBatch } from './row-batch.ts'
import type { Batches } from './row-steps.ts'
import type { Run } from './run.ts'

/** How `csv()` parses. */
export interface CsvOptions {
  /**
   * `true` takes the names from the first line, an array gives them; rows are objects then. `false`
   * makes arrays of them. A run that goes on in the middle (`from`) has no first line: name them.
   *
   * @defaultValue true
   */
  columns?: boolean | readonly string[] | undefined
  /** @defaultValue ',' */
  delimiter?: string | undefined
  /** What fields stand in that hold delimiters or line ends; doubled within them. @defaultValue '"' */
  quote?: string | undefined
  /** Lines that begin with it are passed over. @defaultValue none */
  comment?: string | undefined
  /** Takes the blanks around delimiters away. @defaultValue false */
  trim?: boolean | undefined
}

// A quote that is never closed would otherwise take the rest of the file into memory.
const maxRecordCharacters = 16 * 1_024 * 1_024

/** Parses lines as CSV (RFC 4180) by csv-parse. Line ends within quotes become line feeds. */
export async function* parseCsv<T>(
  source: Batches<string>,
  options: CsvOptions,
  run: Run,
): Batches<T> {
  // The names of the columns are in no record.
  const fed = new FedLines(options.columns === undefined || options.columns === true ? 2 : 1)
  const parser = await openParser(options, (line, reason) => {
    run.reject(fed.placeOf(line), reason, undefined)
  })
  let failure: Error | undefined
  parser.on('error', (error: Error) => (failure ??= error))

  const take = (): RowBatch<T> => {
    const rows: T[] = []
    const places: Place[] = []
    for (;;) {
      const found = parser.read() as { record: T; info: { lines: number } } | null
      if (found === null) break
      rows.push(found.record)
      places.push(fed.end)
      fed.passed(found.info.lines)
    }
    return new ListedBatch(rows, places, fed.end)
  }

  try {
    for await (const batch of source) {
      if (batch.rows.length === 0) continue
      fed.add(batch)
      parser.write(`${batch.rows.join('\n')}\n`)
      yield* given(take())
    }
    parser.end()
    // The last rows come with the end, which the stream reaches in a turn of its own.
    await new Promise<void>((resolve) => {
      if (parser.readableLength > 0 || parser.readableEnded || failure !== undefined) resolve()
      else
        parser
          .once('readable', resolve)
          .once('end', resolve)
          .once('error', () => resolve())
    })
    yield* given(take())
  } finally {
    parser.destroy()
  }

  async function* given(batch: RowBatch<T>): Batches<T> {
    if (failure !== undefined) run.reject(fed.end, failure, undefined)
    if (run.hasRejects) await run.flushRejects()
    yield batch
  }
}

async function openParser(
  { columns = true, delimiter = ',', quote = '"', comment, trim = false }: CsvOptions,
  onBadRecord: (line: number, reason: string) => void,
): Promise<Parser> {
  const { parse } = await loadPeer('csv()', 'csv-parse', () => import('csv-parse'))
  return parse({
    columns: typeof columns === 'boolean' ? columns : [...columns],
    delimiter,
    quote,
    comment: comment ?? null,
    trim,
    info: true,
    skip_empty_lines: true,
    max_record_size: maxRecordCharacters,
    skip_records_with_error: true,
    on_skip(error) {
      onBadRecord(Number(error?.['lines'] ?? 1), error?.message ?? 'the record is no CSV')
      return undefined
    },
  })
}

/** Checks what can be checked before anything is read. */
export function checkCsvOptions(options: CsvOptions): CsvOptions {
  knownOptions('csv', options, ['columns', 'delimiter', 'quote', 'comment', 'trim'])
  return options
}

/** The batches whose lines the parser has and has not yet made records of. */
class FedLines {
  #first = 1
  #line: number
  #batches: RowBatch<string>[] = []

  constructor(firstLine: number) {
    this.#line = firstLine
  }

  add(batch: RowBatch<string>): void {
    this.#batches.push(batch)
  }

  /** The parser is done with this line, counted from 1 as it sees them. */
  passed(line: number): void {
    this.#line = line + 1
    for (;;) {
      const [batch] = this.#batches
      // The last one stays: it knows where reading goes on.
      if (batch === undefined || this.#batches.length === 1) return
      if (this.#line < this.#first + batch.rows.length) return
      this.#first += batch.rows.length
      this.#batches.shift()
    }
  }

  /** Where the first line begins that is in no record yet. */
  get end(): Place {
    return this.placeOf(this.#line)
  }

  placeOf(line: number): Place {
    let first = this.#first
    for (const batch of this.#batches) {
      if (line < first + batch.rows.length) return batch.placeOf(Math.max(0, line - first))
      first += batch.rows.length
    }
    return this.#batches.at(-1)?.end ?? { line: 1, byteOffset: undefined }
  }
}
