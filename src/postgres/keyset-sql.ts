import type { Position } from './cursor.ts'
import { quoteName } from './identifiers.ts'
import type { ResolvedColumn } from './keyset-options.ts'

/** The name of the column that a page's rows carry their position in, until it is taken off. */
export const positionColumn = 'hotpath_position'

/** A query as it is sent. */
export interface PageQuery {
  readonly text: string
  readonly values: unknown[]
}

/**
 * Writes the query of a page: the rows of `text` behind `position`, in the order of `columns`.
 *
 * Where all columns go one way and none is null, that is one row comparison, from which an index scan
 * starts. Else the rows behind the position are cut into ranges, each of which an index can start from as
 * well, and the first rows of each are put together. One condition with OR in it would say the same, but
 * PostgreSQL would read the index from its beginning for it, and the last page would be the slowest.
 */
export function writePageQuery(
  text: string,
  values: readonly unknown[],
  columns: readonly ResolvedColumn[],
  position: Position | undefined,
  count: number,
): PageQuery {
  const order = `order by ${columns.map(writeOrder).join(', ')} limit ${count}`
  const parameters = [...values]
  const ranges =
    position === undefined
      ? ['true']
      : writeRanges(columns, position, (value) => `$${parameters.push(value)}`)
  const pages = ranges.map((range) => `select * from (${text}\n) as page where ${range} ${order}`)
  const [only = ''] = pages
  const rows = pages.length === 1 ? only : `(${pages.join(') union all (')})`
  // JSON writes times in one form, with their microseconds, whatever the session's DateStyle.
  const written = columns.map(({ column }) => quoteName('orderBy', column))
  return {
    text: `select *, json_build_array(${written.join(', ')})::text as ${positionColumn} from (${rows}) as page ${order}`,
    values: parameters,
  }
}

/** The same order from its other end. */
export function reverse(columns: readonly ResolvedColumn[]): ResolvedColumn[] {
  return columns.map(({ column, isDescending, nulls }) => ({
    column,
    isDescending: !isDescending,
    nulls: nulls === undefined ? undefined : nulls === 'first' ? 'last' : 'first',
  }))
}

// Without NULLS the default stands, which is what a plain index has.
function writeOrder({ column, isDescending, nulls }: ResolvedColumn): string {
  const direction = isDescending ? ' desc' : ''
  return `${quoteName('orderBy', column)}${direction}${nulls === undefined ? '' : ` nulls ${nulls}`}`
}

function writeRanges(
  columns: readonly ResolvedColumn[],
  position: Position,
  parameter: (value: string) => string,
): string[] {
  const names = columns.map(({ column }) => quoteName('orderBy', column))
  const parameters = position.map((value) => (value === null ? undefined : parameter(value)))
  const isUniform = columns.every(
    ({ isDescending, nulls }) => nulls === undefined && isDescending === columns[0]?.isDescending,
  )
  if (isUniform) {
    const sign = columns[0]?.isDescending === true ? '<' : '>'
    return [`(${names.join(', ')}) ${sign} (${parameters.join(', ')})`]
  }

  // Equal in the first columns and behind in the next; the longest equal part stands nearest.
  const ranges: string[] = []
  for (let length = columns.length - 1; length >= 0; length--) {
    const equal = names.slice(0, length).map((name, at) => equalTo(name, parameters[at]))
    for (const behind of writeBehind(
      names[length] as string,
      columns[length] as ResolvedColumn,
      parameters[length],
    )) {
      ranges.push([...equal, behind].join(' and '))
    }
  }
  // Nothing can stand behind: the position is the last possible one, as of a row of nulls.
  return ranges.length === 0 ? ['false'] : ranges
}

function equalTo(name: string, parameter: string | undefined): string {
  return parameter === undefined ? `${name} is null` : `${name} = ${parameter}`
}

/** The ranges of one column behind a value; `parameter` is undefined for null. */
function writeBehind(
  name: string,
  { isDescending, nulls }: ResolvedColumn,
  parameter: string | undefined,
): string[] {
  if (parameter === undefined) return nulls === 'first' ? [`${name} is not null`] : []
  const further = `${name} ${isDescending ? '<' : '>'} ${parameter}`
  return nulls === 'last' ? [further, `${name} is null`] : [further]
}
