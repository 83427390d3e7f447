import { CursorCodec, type Position } from './cursor.ts'
import { cursorInvalid, queryInvalid } from './errors.ts'
import {
  resolveKeysetOptions,
  type KeysetOptions,
  type ResolvedKeysetOptions,
} from './keyset-options.ts'
import { positionColumn, reverse, writePageQuery, type PageQuery } from './keyset-sql.ts'

/** One page of a list. */
export interface Page<Row> {
  readonly rows: Row[]
  /** For `after`, to get the page behind this one; undefined on the last. */
  readonly next: string | undefined
  /** For `before`, to get the page before this one; undefined on the first. */
  readonly previous: string | undefined
}

/** What a page is asked of: a pool, or a client. */
export interface Queryable {
  query(text: string, values: unknown[]): Promise<{ readonly rows: Record<string, unknown>[] }>
}

/** A page that is yet to be read. */
export interface Keyset {
  /**
   * Reads the page of a query: one SELECT, without ORDER BY and LIMIT, that has the columns of the
   * order among its own.
   *
   * @throws HotpathError HOTPATH_POSTGRES_CURSOR_INVALID
   */
  query<Row extends object = Record<string, unknown>>(
    pool: Queryable,
    text: string,
    values?: readonly unknown[],
  ): Promise<Page<Row>>
}

/**
 * Pages by the place in an order and not by counting rows: page 1,000 costs what page 1 costs, and
 * rows that come or go meanwhile neither repeat others nor hide them. An index on the columns of
 * `orderBy`, in their directions, serves every page.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 * @throws HotpathError HOTPATH_POSTGRES_CURSOR_INVALID for a cursor that was not made here, or for
 * another order; for a web API a 400
 *
 * @example
 * ```ts
 * import { keyset } from 'hotpath/postgres'
 *
 * const page = keyset({
 *   orderBy: [
 *     { column: 'created_at', direction: 'desc' },
 *     { column: 'id', direction: 'desc' },
 *   ],
 *   limit: 50,
 *   after: request.query.after,
 *   secret: process.env.CURSOR_SECRET,
 * })
 * const { rows, next, previous } = await page.query(
 *   pool,
 *   'select id, title, created_at from posts where author_id = $1',
 *   [42],
 * )
 * ```
 */
export function keyset(options: KeysetOptions): Keyset {
  const resolved = resolveKeysetOptions(options)
  const { orderBy, limit, after, before, secret } = resolved
  const nullable = orderBy.map(({ nulls }) => nulls !== undefined)
  const codec = new CursorCodec(JSON.stringify(orderBy), nullable, secret)
  const cursor = after ?? before
  const start = cursor === undefined ? undefined : codec.read(cursor)
  const columns = before === undefined ? orderBy : reverse(orderBy)

  return {
    async query<Row extends object>(
      pool: Queryable,
      text: string,
      values: readonly unknown[] = [],
    ) {
      // One more than a page tells whether there is another.
      const query = writePageQuery(text, values, columns, start, limit + 1)
      const rows = await readRows(pool, query, resolved)
      const hasMore = rows.length > limit
      if (hasMore) rows.length = limit
      if (before !== undefined) rows.reverse()
      const [first, last] = [rows[0], rows.at(-1)]
      const write = (row: PagedRow) => codec.write(readPosition(row, nullable))
      return {
        next: last && (before !== undefined || hasMore) ? write(last) : undefined,
        previous:
          first && (after !== undefined || (before !== undefined && hasMore))
            ? write(first)
            : undefined,
        // Last: the cursors are made of what is taken off here.
        rows: withoutPositions<Row>(rows),
      }
    },
  }
}

type PagedRow = Record<string, unknown>

// Values that the type of their column does not have (SQLSTATE).
const impossibleValues = new Set(['22P02', '22007', '22008', '22003'])

async function readRows(
  pool: Queryable,
  { text, values }: PageQuery,
  { after, before, secret }: ResolvedKeysetOptions,
): Promise<PagedRow[]> {
  try {
    const { rows } = await pool.query(text, values)
    return rows
  } catch (error) {
    const isMadeUp = secret === undefined && (after ?? before) !== undefined
    const { code = '' } = error as { code?: string }
    if (isMadeUp && impossibleValues.has(code)) {
      throw cursorInvalid('it holds what its columns cannot hold', error)
    }
    throw error
  }
}

function readPosition(row: PagedRow, nullable: readonly boolean[]): Position {
  // The digits as they were sent: a JavaScript number would lose those of a bigint or numeric.
  const digits = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' || typeof value === 'boolean' ? context?.source : value
  const position = JSON.parse(row[positionColumn] as string, digits) as unknown[]
  return position.map((value, index) => {
    if (typeof value === 'string' || (value === null && nullable[index] === true)) return value
    throw queryInvalid(
      value === null
        ? 'a row at the edge of a page has a null in a column of orderBy; give that column `nulls`, ' +
            'so that it has a place in the order'
        : 'a column of orderBy holds JSON or an array, which no cursor can carry; order by a plain value',
    )
  })
}

// Taking off the property that was added last leaves V8's rows what they are; a copy would cost more
// than all the rest.
function withoutPositions<Row extends object>(rows: PagedRow[]): Row[] {
  for (const row of rows) delete row[positionColumn]
  return rows as Row[]
}
