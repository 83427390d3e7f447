import { existsSync } from 'node:fs'
import type { PostgresPool } from 'hotpath/postgres'
import type { Place } from 'hotpath/stream'
import { addSql, linesBeforeRows, tableFor, toRecord, userIdsSql } from './added-rows.ts'
import type { AddedRows } from './added-rows.ts'
import { dumpLines, dumpRows } from './dump-rows.ts'
import { IdSet } from './id-set.ts'

/** Rows that are added in one transaction. */
const batchSize = 500

/** A file that is to be added. */
export interface FileToAdd {
  readonly path: string
  /** Under which it is remembered how far it is. */
  readonly taskId: string
}

/** How {@link addFile} works. */
export interface AddOptions {
  readonly pool: PostgresPool
  readonly signal: AbortSignal
  /** From 0 to 1. */
  readonly onProgress: (doneRatio: number) => void
}

/**
 * Adds the rows of an uploaded file of a dump, in constant memory. How far it is stands in the
 * database beside the rows: a run that was killed goes on where it was.
 */
export async function addFile(
  { path, taskId }: FileToAdd,
  { pool, signal, onProgress }: AddOptions,
): Promise<AddedRows> {
  const before = await readPlace(pool, taskId)
  // Its file goes when all rows are there; a kill between that and the task's end begins it once more.
  if (before.next !== undefined && !existsSync(path)) {
    return { added: before.added, rejected: before.rejected }
  }
  const table = tableFor(await dumpLines(path).take(linesBeforeRows).toArray())
  const users = new IdSet()
  for (const { id } of (await pool.query<{ id: number }>(userIdsSql)).rows) users.add(id)

  let { added } = before
  const rejected = new RejectedLines(before.rejected)
  const insert = addSql(table)
  await dumpRows(path, before.next === undefined ? {} : { from: before.next })
    .map((row) => toRecord(table, row, users))
    .to(
      (rows, next) =>
        pool.transaction(async (tx) => {
          const result = await tx.query(insert, [JSON.stringify(rows)])
          const sum = added + (result.rowCount ?? 0)
          await tx.query(savePlaceSql, [
            taskId,
            next.byteOffset,
            next.line,
            sum,
            rejected.before(next),
          ])
          added = sum
        }),
      {
        batchSize,
        rejects: (rows) => rejected.add(rows),
        maxRejects: false,
        onProgress: ({ bytes, totalBytes }) => onProgress(bytes / (totalBytes ?? bytes)),
        signal,
      },
    )
  return { added, rejected: rejected.count }
}

const savePlaceSql = `
  insert into added_files (task_id, next_byte, next_line, added, rejected)
  values ($1, $2, $3, $4, $5)
  on conflict (task_id) do update
  set next_byte = excluded.next_byte, next_line = excluded.next_line,
      added = excluded.added, rejected = excluded.rejected`

async function readPlace(
  pool: PostgresPool,
  taskId: string,
): Promise<AddedRows & { next: Place | undefined }> {
  const { rows } = await pool.query<AddedRows & { byteOffset: number; line: number }>(
    `select next_byte::float8 as "byteOffset", next_line as line, added, rejected
     from added_files where task_id = $1`,
    [taskId],
  )
  const [row] = rows
  if (row === undefined) return { next: undefined, added: 0, rejected: 0 }
  const { byteOffset, line, added, rejected } = row
  return { next: { byteOffset, line }, added, rejected }
}

/** Lines that could not be read. Some lie behind the rows that are safe: after a kill they come again. */
class RejectedLines {
  #count: number
  #later: number[] = []

  constructor(count: number) {
    this.#count = count
  }

  add(rows: readonly Place[]): void {
    this.#later.push(...rows.map(({ line }) => line))
  }

  /** How many there are before a place. */
  before({ line }: Place): number {
    const behind = this.#later.filter((each) => each >= line)
    this.#count += this.#later.length - behind.length
    this.#later = behind
    return this.#count
  }

  get count(): number {
    return this.#count + this.#later.length
  }
}
