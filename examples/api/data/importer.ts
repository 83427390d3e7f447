import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createPool, type PostgresPool, type Transaction } from 'hotpath/postgres'
import type { RejectedRow } from 'hotpath/stream'
import { withoutIndexes } from './bulk-load.ts'
import { computeDerived } from './derived-columns.ts'
import { DumpError } from './dump-error.ts'
import { dumpRows, unreadableFile } from './dump-rows.ts'
import { dumpTables, UnreadableRow, type DumpTable } from './dump-tables.ts'
import { IdSet } from './id-set.ts'

/** How {@link importDump} works. */
export interface ImportOptions {
  /** Told again and again how far the import is: show a few of these a second. */
  onProgress?: ((progress: ImportProgress) => void) | undefined
  /** Ends the import; the database stays as it was. */
  signal?: AbortSignal | undefined
}

/** How far an import is. */
export interface ImportProgress {
  /** What is being done, for a person to read. */
  readonly step: string
  /** From 0 to 1, by the bytes of the four files. */
  readonly doneRatio: number
}

/** A row that could not be read, and why. */
export interface UnloadedRow {
  readonly file: string
  /** Counted from 1, as editors do. */
  readonly line: number
  readonly reason: string
}

/** What an import did. */
export interface ImportResult {
  /** Rows that are now in each table. */
  readonly counts: { users: number; posts: number; comments: number; votes: number }
  /** Rows that could not be read, in all. */
  readonly rejectedCount: number
  /** The first of them, at most {@link maxRejectedKept}. */
  readonly rejected: readonly UnloadedRow[]
}

/** Rejected rows that an import names one by one; it counts the others. */
export const maxRejectedKept = 1_000

const tables = ['users', 'posts', 'question_tags', 'comments', 'votes', 'imports']

/**
 * Loads a Stack Exchange dump (`Users.xml`, `Posts.xml`, `Comments.xml` and `Votes.xml`, plain or
 * with `.gz`) into a migrated database, in place of what its tables held. All of it is one
 * transaction: an import that fails or is ended leaves the database as it was.
 *
 * Owners and authors that are missing, -1, or not in `Users.xml` become null. Comments and votes of
 * posts that are not in the dump (deleted since) are kept. Answers to such posts are kept hidden.
 *
 * @throws DumpError where the folder or one of the files is missing or damaged
 */
export async function importDump(
  databaseUrl: string,
  folder: string,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const { signal } = options
  const files = await findFiles(folder)
  // Loading and indexing take as long as they take.
  await using pool = createPool(databaseUrl, {
    name: 'import',
    maxConnections: 1,
    commandTimeoutMs: false,
  })
  // Nobody else writes here, so that a retry would gain nothing.
  const result = await pool.transaction((tx) => loadAll(tx, files, options), { retries: 0, signal })
  signal?.throwIfAborted()
  await collectStatistics(pool)
  return result
}

interface DumpFile {
  readonly source: DumpTable
  readonly path: string
  readonly bytes: number
}

async function findFiles(folder: string): Promise<DumpFile[]> {
  const found = await stat(folder).catch(() => undefined)
  if (!found?.isDirectory()) throw new DumpError(`There is no folder ${folder}.`)

  const files: DumpFile[] = []
  const absent: string[] = []
  for (const source of dumpTables) {
    const paths = [join(folder, source.file), join(folder, `${source.file}.gz`)]
    const path = await firstFile(paths)
    if (path === undefined) absent.push(source.file)
    else files.push({ source, ...path })
  }
  if (absent.length > 0) {
    throw new DumpError(`${folder} is no dump: it lacks ${absent.join(', ')} (plain or .gz).`)
  }
  return files
}

async function firstFile(paths: string[]): Promise<{ path: string; bytes: number } | undefined> {
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile()) return { path, bytes: found.size }
  }
  return undefined
}

async function loadAll(
  tx: Transaction,
  files: DumpFile[],
  options: ImportOptions,
): Promise<ImportResult> {
  const rejected = new RejectedRows()
  const progress = new ByteProgress(files, options)
  const counts = { users: 0, posts: 0, comments: 0, votes: 0 }
  const users = new IdSet()

  // For the sorts that counting and indexing need; both end with the transaction.
  await tx.query("set local work_mem = '64MB'")
  await tx.query("set local maintenance_work_mem = '256MB'")
  await tx.query(`truncate ${tables.join(', ')}`)
  await withoutIndexes(tx, tables, async () => {
    for (const file of files) {
      const { table } = file.source
      counts[table] = await loadFile(tx, file, users, rejected, progress)
    }
    progress.show('counting and indexing', 0)
    await computeDerived(tx)
  })
  await tx.query('insert into imports default values')
  return { counts, rejectedCount: rejected.count, rejected: rejected.inOrder() }
}

// Outside the transaction, as VACUUM must be. Rough statistics do: all queries go by keys.
async function collectStatistics(pool: PostgresPool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('set default_statistics_target = 30')
    await client.query(`vacuum (analyze) ${tables.join(', ')}`)
  } finally {
    client.release()
  }
}

async function loadFile(
  tx: Transaction,
  file: DumpFile,
  users: IdSet,
  rejected: RejectedRows,
  progress: ByteProgress,
): Promise<number> {
  const { source, path } = file
  const seen = source.table === 'users' ? users : new IdSet()
  // By its name: what is no gzip at all is a damaged file, not a text.
  const rows = dumpRows(path, { compression: path.endsWith('.gz') ? 'gzip' : false }).map((row) => {
    const values = source.read(row, users)
    if (seen.add(values[0])) return values
    throw new UnreadableRow(`there is a row with Id ${values[0]} before`)
  })
  try {
    const { result } = await rows.to(tx.copyInto(source.table, source.columns, { freeze: true }), {
      rejects: (failed) => rejected.add(basename(path), failed),
      maxRejects: false,
      onProgress: ({ bytes }) => progress.show(`loading ${source.table}`, bytes),
    })
    progress.finish(file)
    return result
  } catch (error) {
    throw unreadableFile(path, error)
  }
}

class RejectedRows {
  readonly #first: UnloadedRow[] = []
  count = 0

  add(file: string, rows: readonly RejectedRow[]): void {
    this.count += rows.length
    const room = maxRejectedKept - this.#first.length
    this.#first.push(...rows.slice(0, room).map(({ line, reason }) => ({ file, line, reason })))
  }

  /** Of a piece of the file, the lines that are no rows come before the rows that no table takes. */
  inOrder(): UnloadedRow[] {
    const files = [...new Set(this.#first.map(({ file }) => file))]
    return this.#first.toSorted(
      (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line,
    )
  }
}

class ByteProgress {
  readonly #onProgress: ImportOptions['onProgress']
  readonly #totalBytes: number
  #doneBytes = 0

  constructor(files: DumpFile[], { onProgress }: ImportOptions) {
    this.#onProgress = onProgress
    this.#totalBytes = files.reduce((sum, file) => sum + file.bytes, 0)
  }

  /** @param bytes of the file that is being loaded */
  show(step: string, bytes: number): void {
    const doneRatio = Math.min(1, (this.#doneBytes + bytes) / this.#totalBytes)
    this.#onProgress?.({ step, doneRatio })
  }

  finish({ bytes }: DumpFile): void {
    this.#doneBytes += bytes
  }
}
