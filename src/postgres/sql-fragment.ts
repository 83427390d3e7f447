import { queryInvalid } from './errors.ts'

/**
 * A piece of SQL with the values of its parameters, made by `sql`. It is a query config for
 * `pool.query` and for any client of pg, and can stand inside another one.
 */
export interface SqlQuery<Row = Record<string, unknown>> {
  readonly text: string
  readonly values: unknown[]
  /** The type of a row, for the compiler only: there is nothing to read. */
  readonly rowType: Row
}

// The protocol counts the parameters of a query with sixteen bits; pg would send the count modulo that.
const maxParameters = 65_535

/**
 * The class behind {@link SqlQuery}. Its private field is its mark: an object that merely looks like
 * one, a JSON body say, does not have it and can only become the value of a parameter.
 */
export class SqlFragment<Row> implements SqlQuery<Row> {
  declare readonly rowType: Row
  // Own properties, because pg copies the config that it is given.
  readonly text: string
  readonly values: unknown[]
  readonly #strings: readonly string[]

  /**
   * @param strings - the SQL around the parameters, one more than there are values
   * @param text - the SQL with its parameters numbered, where it is known already
   */
  constructor(strings: readonly string[], values: unknown[], text: string = numbered(strings)) {
    if (values.length > maxParameters) {
      throw queryInvalid(
        `a query takes at most ${maxParameters} parameters, not ${values.length}; ` +
          'give an array as one parameter (= any(...), unnest(...)), or load rows with copyInto',
      )
    }
    this.text = text
    this.values = values
    this.#strings = strings
  }

  static isOne(value: unknown): value is SqlFragment<unknown> {
    return typeof value === 'object' && value !== null && #strings in value
  }

  /** Puts parts into the gaps between strings: fragments as SQL, everything else as parameters. */
  static weave<Row>(strings: readonly string[], parts: readonly unknown[]): SqlFragment<Row> {
    const woven = [strings[0] ?? '']
    const values: unknown[] = []
    for (const [index, part] of parts.entries()) {
      const following = strings[index + 1] ?? ''
      if (SqlFragment.isOne(part)) {
        const [first = '', ...others] = part.#strings
        woven[woven.length - 1] += first
        for (const other of others) woven.push(other)
        for (const value of part.values) values.push(value)
        woven[woven.length - 1] += following
      } else {
        values.push(checkedValue(part, woven))
        woven.push(following)
      }
    }
    return new SqlFragment<Row>(woven, values)
  }
}

/** The SQL with `$1`, `$2` and so on in the gaps between the strings. */
export function numbered(strings: readonly string[]): string {
  let text = strings[0] ?? ''
  for (let at = 1; at < strings.length; at++) {
    const following = strings[at] ?? ''
    // A digit right behind a parameter would become part of its number.
    text += /^\d/.test(following) ? `$${at} ${following}` : `$${at}${following}`
  }
  return text
}

/**
 * Refuses what pg would send as something that nobody meant: `undefined` as null, a function as its
 * source.
 *
 * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID
 */
export function checkedValue(value: unknown, before: readonly string[]): unknown {
  const type = typeof value
  if (type !== 'undefined' && type !== 'function' && type !== 'symbol') return value
  const hint = type === 'undefined' ? '; give null if you mean that' : ''
  throw queryInvalid(
    `the value behind "${before.at(-1)?.trim().slice(-60)}" is ${type}, which no parameter can be${hint}`,
  )
}
