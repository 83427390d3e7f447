/** What a filter says about the columns of a table. */
export interface FilterColumns {
  /** Every column in it, in the order of the table. */
  readonly all: readonly string[]
  /** Those that an index could find rows by: first what has to be equal, then at most one range. */
  readonly indexable: readonly string[]
}

/**
 * Reads a filter as `EXPLAIN (VERBOSE)` writes it: every column behind its table's alias, every comparison in
 * parentheses. Only comparisons that are joined by AND and have the bare column at their left are taken
 * for indexable: of others, an index suggested without knowing more would likely be useless.
 */
export function readFilter(
  filter: string,
  alias: string,
  columns: readonly string[],
): FilterColumns {
  // Texts may hold anything, even what looks like a column.
  const code = filter.replaceAll(/'(?:[^']|'')*'/g, "''")
  const all: string[] = []
  const equal: string[] = []
  const ranged: string[] = []
  for (const column of columns) {
    const name = String.raw`(?<![\w".])${written(alias)}\.${written(column)}(?![\w"])`
    if (!new RegExp(name).test(code)) continue
    all.push(column)
    const [, sign] =
      new RegExp(String.raw`\(${name}\)?(?:::[a-z ]+)? (=|<=?|>=?) `).exec(code) ?? []
    if (sign === '=') equal.push(column)
    else if (sign !== undefined) ranged.push(column)
  }
  const isConjunction = !/ OR |\bNOT\b|\bCASE\b|SubPlan/.test(code)
  return { all, indexable: isConjunction ? [...equal, ...ranged.slice(0, 1)] : [] }
}

// As PostgreSQL writes a name, made a pattern: plain where it can be, else quoted.
function written(name: string): string {
  const quoted = `"${name.replaceAll('"', '""')}"`.replaceAll(
    /[$()*+.?[\\\]^{|}]/g,
    String.raw`\$&`,
  )
  return /^[a-z_][a-z0-9_]*$/.test(name) ? `(?:${name}|${quoted})` : quoted
}
