import { invalid, knownOptions, nonEmptyString, positiveInteger } from '../core/index.ts'

/** A column of the order, of the query that is paged. */
export interface KeysetColumn {
  column: string
  /** @defaultValue 'asc' */
  direction?: 'asc' | 'desc' | undefined
  /**
   * Where rows stand in which the column is null. Without it the column must never be null: that is
   * what allows the quickest form, and rows with a null would be left out.
   */
  nulls?: 'first' | 'last' | undefined
}

/** Which page is wanted, and of which order. */
export interface KeysetOptions {
  /**
   * The order of the rows: a column's name, or the column with its direction. Together they must be
   * unique, so the last one is usually the primary key.
   */
  orderBy: readonly (string | KeysetColumn)[]
  /** Rows on a page. */
  limit: number
  /** The `next` of a page, for the one behind it. */
  after?: string | undefined
  /** The `previous` of a page, for the one before it. */
  before?: string | undefined
  /**
   * Signs the cursors (HMAC-SHA-256), so that nobody can make one up. Without it a client can choose the
   * place where a page begins, which is harmless where he may see all rows anyhow.
   *
   * @defaultValue unsigned
   */
  secret?: string | undefined
}

export interface ResolvedColumn {
  readonly column: string
  readonly isDescending: boolean
  readonly nulls: 'first' | 'last' | undefined
}

export interface ResolvedKeysetOptions {
  readonly orderBy: readonly ResolvedColumn[]
  readonly limit: number
  readonly after: string | undefined
  readonly before: string | undefined
  readonly secret: string | undefined
}

// A page is held in memory as a whole; who reads more wants a stream.
const maxLimit = 10_000

export function resolveKeysetOptions(options: KeysetOptions): ResolvedKeysetOptions {
  knownOptions('keyset', options, ['orderBy', 'limit', 'after', 'before', 'secret'])
  const { orderBy, limit, after, before, secret } = options
  if (after !== undefined && before !== undefined) {
    invalid('after', 'left out where before is given: a page is on one side', after)
  }
  if (!Array.isArray(orderBy) || orderBy.length === 0) {
    invalid('orderBy', 'a list of at least one column', orderBy)
  }
  const columns = (orderBy as KeysetOptions['orderBy']).map(resolveColumn)
  if (new Set(columns.map(({ column }) => column)).size < columns.length) {
    invalid('orderBy', 'a list of different columns', orderBy)
  }
  if (positiveInteger('limit', limit) > maxLimit) invalid('limit', `at most ${maxLimit}`, limit)
  if (secret !== undefined) nonEmptyString('secret', secret)
  return { orderBy: columns, limit, after, before, secret }
}

function resolveColumn(given: string | KeysetColumn): ResolvedColumn {
  const options = typeof given === 'string' ? { column: given } : given
  knownOptions('orderBy', options, ['column', 'direction', 'nulls'])
  const { column, direction = 'asc', nulls } = options
  if (direction !== 'asc' && direction !== 'desc') {
    invalid('direction', "'asc' or 'desc'", direction)
  }
  if (nulls !== undefined && nulls !== 'first' && nulls !== 'last') {
    invalid('nulls', "'first' or 'last', or left out", nulls)
  }
  return { column: nonEmptyString('column', column), isDescending: direction === 'desc', nulls }
}
