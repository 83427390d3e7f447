import { queryInvalid } from './errors.ts'
import { checkedValue, numbered, SqlFragment, type SqlQuery } from './sql-fragment.ts'

/** The tag `sql` and what stands in its gaps. */
export interface Sql {
  /**
   * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID for a value that is undefined, a function or
   * a symbol, and for more than 65 535 parameters
   */
  <Row = Record<string, unknown>>(
    strings: TemplateStringsArray,
    ...values: readonly unknown[]
  ): SqlQuery<Row>
  /**
   * A quoted identifier; several make a qualified one: `sql.id('shop', 'users')` is `"shop"."users"`.
   * Names come as they are written in the catalog: `sql.id('Users')` is not the table `users`.
   *
   * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID for a name that PostgreSQL cannot have: empty,
   * longer than 63 bytes, with a zero byte or half a surrogate pair
   */
  id(...names: readonly string[]): SqlQuery
  /**
   * Parameters with commas between them, for `in (...)`.
   *
   * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID for an empty array: `in ()` is no SQL, and
   * nothing that could stand for it is right in `not in (...)` too. `= any(${ids})` takes an empty one.
   */
  list(values: readonly unknown[]): SqlQuery
  /**
   * Rows of parameters, for `values`: `($1, $2), ($3, $4)`.
   *
   * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID for no rows, and for rows of different lengths
   */
  rows(rows: readonly (readonly unknown[])[]): SqlQuery
  /**
   * Fragments with another one between them; nothing when there are none.
   *
   * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID for anything that is not a fragment
   */
  join(fragments: readonly SqlQuery<unknown>[], separator?: SqlQuery<unknown>): SqlQuery
  /**
   * SQL as it stands in a string. Whoever can write that string can do what the database lets you do:
   * look at every use of it.
   */
  raw(text: string): SqlQuery
  /** Nothing, for a part that is left out. */
  readonly empty: SqlQuery
}

/**
 * Writes a query in which every value is a parameter, so that no value can become SQL. What `sql`
 * itself has made is put in as SQL; it is known by a private mark and not by its shape.
 *
 * @example
 * ```ts
 * import { sql } from 'hotpath/postgres'
 *
 * const onlyActive = isAdmin ? sql.empty : sql`and is_active`
 * const query = sql<{ id: number; name: string }>`
 *   select id, name from ${sql.id('shop', 'users')}
 *   where city = ${city} and role in (${sql.list(roles)}) ${onlyActive}`
 * const { rows } = await pool.query(query) // rows: { id: number; name: string }[]
 * ```
 */
export const sql: Sql = Object.assign(tag, {
  id: identifier,
  list,
  rows,
  join,
  raw,
  empty: new SqlFragment<Record<string, unknown>>([''], []),
})

// A template has one text as long as only values stand in its gaps.
const texts = new WeakMap<TemplateStringsArray, string>()

function tag<Row>(strings: TemplateStringsArray, ...parts: readonly unknown[]): SqlQuery<Row> {
  if (!Array.isArray(strings) || !Object.hasOwn(strings, 'raw')) {
    throw queryInvalid('sql is a template tag: sql`select ...`; a string goes through sql.raw')
  }
  if (strings.some((string: string | undefined) => string === undefined)) {
    throw queryInvalid('the template has a backslash that JavaScript cannot read; write it twice')
  }
  if (parts.some(SqlFragment.isOne)) return SqlFragment.weave<Row>(strings, parts)
  let text = texts.get(strings)
  if (text === undefined) texts.set(strings, (text = numbered(strings)))
  for (const [at, part] of parts.entries()) checkedValue(part, strings.slice(0, at + 1))
  return new SqlFragment<Row>(strings, [...parts], text)
}

const maxNameBytes = 63

function identifier(...names: readonly string[]): SqlQuery {
  if (names.length === 0) throw queryInvalid('sql.id needs at least one name')
  return new SqlFragment([names.map(quoted).join('.')], [])
}

function quoted(name: string): string {
  const isName = typeof name === 'string' && name !== '' && !name.includes('\0')
  // PostgreSQL would cut a longer one, and half a surrogate pair would arrive as another character:
  // either could be the name of something else.
  if (!isName || !name.isWellFormed() || Buffer.byteLength(name) > maxNameBytes) {
    throw queryInvalid(
      `${JSON.stringify(name)} is no identifier: it must be a string of 1 to ${maxNameBytes} bytes ` +
        'without a zero byte',
    )
  }
  return `"${name.replaceAll('"', '""')}"`
}

function list(values: readonly unknown[]): SqlQuery {
  if (!Array.isArray(values) || values.length === 0) {
    throw queryInvalid(
      'sql.list needs an array of at least one value; = any(${values}) takes an empty one',
    )
  }
  return SqlFragment.weave(commas(values.length), values)
}

function rows(given: readonly (readonly unknown[])[]): SqlQuery {
  const width = given[0]?.length ?? 0
  if (width === 0 || given.some((row) => !Array.isArray(row) || row.length !== width)) {
    throw queryInvalid('sql.rows needs at least one row, and rows of the same length')
  }
  const separators = ['(', ...Array.from({ length: width - 1 }, () => ', ')]
  const strings = given.flatMap((_row, at) =>
    at === 0 ? separators : ['), (', ...separators.slice(1)],
  )
  return SqlFragment.weave([...strings, ')'], given.flat())
}

function join(fragments: readonly SqlQuery<unknown>[], separator?: SqlQuery<unknown>): SqlQuery {
  const between = separator ?? new SqlFragment([', '], [])
  if (![...fragments, between].every(SqlFragment.isOne)) {
    throw queryInvalid(
      'sql.join takes what sql has made; values become parameters in sql`${value}`',
    )
  }
  const parts = fragments.flatMap((fragment, at) => (at === 0 ? [fragment] : [between, fragment]))
  return SqlFragment.weave(
    Array.from({ length: parts.length + 1 }, () => ''),
    parts,
  )
}

function raw(text: string): SqlQuery {
  if (typeof text !== 'string') throw queryInvalid(`sql.raw takes a string, not ${typeof text}`)
  return new SqlFragment([text], [])
}

function commas(count: number): string[] {
  return ['', ...Array.from({ length: count - 1 }, () => ', '), '']
}
