import { knownOptions } from '../core/index.ts'
import type { QueryOptions } from './query-input.ts'
import { quoteName, quoteTable } from './identifiers.ts'
import { keyColumn, type ColumnKey, type KeyColumn } from './key-column.ts'
import type { BatchFunction } from './loader-batch.ts'

/** Which rows {@link loadBy} reads. Names are quoted, so they mean what they say in any spelling. */
export interface LoadByOptions {
  table: string
  /** @defaultValue the search path of the connection */
  schema?: string | undefined
  /** The column that the keys are of: smallint, integer, bigint, text, varchar or uuid. */
  column: string
  /**
   * The columns of a row; the key's column comes with them in any case.
   *
   * @defaultValue all
   */
  columns?: readonly string[] | undefined
  /**
   * Gives all rows of a key, as an array, instead of its one row.
   *
   * @defaultValue false
   */
  many?: boolean | undefined
}

/** What {@link loadBy} runs its queries on: a pool of `createPool`. */
export interface LoadByPool {
  query(options: QueryOptions): Promise<LoadedRows>
}

interface LoadedRows {
  readonly rows: readonly Record<string, unknown>[]
  readonly fields: readonly { readonly dataTypeID: number }[]
}

/**
 * Writes the batch function of a loader: `select … where column = any($1)`, with the rows put in the
 * order of the keys. A key without a row gets `undefined`, or an empty array with `many`. A key that is
 * of the wrong kind, such as `'abc'` for an integer, is an error of its own and spoils no other's.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createLoader, loadBy } from 'hotpath/postgres'
 *
 * const users = createLoader(loadBy<User>(pool, { table: 'users', column: 'id' }))
 * const comments = createLoader(
 *   loadBy<Comment>(pool, { table: 'comments', column: 'post_id', many: true }),
 * )
 *
 * const author = await users.load(post.author_id) // a user, or undefined
 * const about = await comments.load(post.id) // an array
 * ```
 */
export function loadBy<Row extends object = Record<string, unknown>>(
  pool: LoadByPool,
  options: LoadByOptions & { many: true },
): BatchFunction<ColumnKey, Row[]>
export function loadBy<Row extends object = Record<string, unknown>>(
  pool: LoadByPool,
  options: LoadByOptions,
): BatchFunction<ColumnKey, Row | undefined>
export function loadBy(
  pool: LoadByPool,
  options: LoadByOptions,
): BatchFunction<ColumnKey, unknown> {
  knownOptions('loadBy', options, ['table', 'schema', 'column', 'columns', 'many'])
  const { table, schema, column, columns, many = false } = options
  const key = quoteName('column', column)
  const selected =
    columns === undefined
      ? '*'
      : [...new Set([...columns, column])].map((name) => quoteName('columns', name)).join(', ')
  const from = quoteTable(table, schema)
  const text = `select ${selected} from ${from} where ${key} = any($1)`

  let kind: Promise<KeyColumn> | undefined
  // The column's type decides how keys compare. It is asked for once.
  async function findKind(): Promise<KeyColumn> {
    const { fields } = await pool.query({ text: `select ${key} from ${from} limit 0` })
    return keyColumn(`${from}.${key}`, fields[0]?.dataTypeID ?? 0)
  }

  return async (keys, { signal }) => {
    kind ??= findKind()
    const { write } = await kind.catch((error: unknown) => {
      kind = undefined
      throw error
    })
    const written = keys.map((each) => write(each))
    const values = [...new Set(written.filter((each) => typeof each === 'string'))]
    const { rows } =
      values.length === 0 ? { rows: [] } : await pool.query({ text, values: [values], signal })
    const found = Map.groupBy(rows, (row) => String(row[column]))
    return written.map((name) => {
      if (name instanceof Error) return name
      const rowsOfKey = name === undefined ? undefined : found.get(name)
      return many ? (rowsOfKey ?? []) : rowsOfKey?.[0]
    })
  }
}
