import { dumpTables, type DumpTable } from './dump-tables.ts'
import type { IdSet } from './id-set.ts'

/** Files of a dump that can be added to a site that is there: their rows hang on nothing but users. */
const addable = ['comments', 'votes']

/** What adding a file has come to. */
export interface AddedRows {
  /** Rows that were not there before. */
  added: number
  /** Lines that could not be read. */
  rejected: number
}

/** The first lines of a file name its root: `<votes>`. */
export const linesBeforeRows = 2

/**
 * The table that a file is for.
 *
 * @param start its first lines
 * @throws Error where it is none that can be added
 */
export function tableFor(start: readonly string[]): DumpTable {
  const root = /<(\w+)>\s*$/.exec(start.slice(0, linesBeforeRows).join('\n'))?.[1]
  const table = dumpTables.find((each) => each.table === root)
  if (table !== undefined && addable.includes(table.table)) return table
  throw new Error(
    `Only ${addable.join(' and ')} can be added to a site; a whole dump is loaded by npm run example:import.`,
  )
}

/** A row as PostgreSQL reads it from JSON. */
export function toRecord(
  table: DumpTable,
  row: Readonly<Record<string, string | undefined>>,
  users: IdSet,
): Record<string, unknown> {
  const values = table.read(row, users)
  return Object.fromEntries(table.columns.map((column, at) => [column, values[at]]))
}

/** Adds rows, `$1` as JSON, but for those whose id is there already. */
export function addSql({ table, columns }: DumpTable): string {
  const names = columns.join(', ')
  return `insert into ${table} (${names})
          select ${names} from jsonb_populate_recordset(null::${table}, $1::jsonb)
          on conflict (id) do nothing`
}

export const userIdsSql = 'select id from users'
