import type { Execution } from './executions.ts'
import { valueKey } from './executions.ts'

/** Queries of one fingerprint whose rows hold the values that other queries ask with. */
export interface Parent {
  readonly first: Execution
  readonly fingerprint: string
  readonly column: string
  /** Most values that came out of one of its executions. */
  readonly fanOut: number
  /** Of the values asked for, how many it had. */
  readonly matched: number
}

// Some of the values may have come from elsewhere: the root of a tree, the viewer himself.
const minMatchedRatio = 0.8

/** Who gave a slot's values: the fingerprint and column with most of them, the latest if equal. */
export function findParents(
  children: readonly Execution[],
  slot: number,
  all: readonly Execution[],
): Parent[] {
  const asked = new Map<string, number>()
  for (const { keys, entry } of children) {
    const key = keys[slot]
    if (key !== undefined && !asked.has(key)) asked.set(key, entry.atMs)
  }
  const found = new Map<
    string,
    { first: Execution; fingerprint: string; column: string; fanOut: number; values: Set<string> }
  >()
  for (const execution of all) {
    for (const [column, values] of columnsOf(execution, asked)) {
      const id = `${execution.fingerprint}\n${column}`
      const known = found.get(id) ?? {
        first: execution,
        fingerprint: execution.fingerprint,
        column,
        fanOut: 0,
        values: new Set<string>(),
      }
      known.fanOut = Math.max(known.fanOut, values.size)
      for (const value of values) known.values.add(value)
      found.set(id, known)
    }
  }
  return [...found.values()]
    .map(({ values, ...parent }) => ({ ...parent, matched: values.size }))
    .filter(({ matched }) => matched >= asked.size * minMatchedRatio)
    .sort(
      (one, other) => other.matched - one.matched || other.first.entry.atMs - one.first.entry.atMs,
    )
}

// For each column the values in it that were asked for after this query had been answered.
function columnsOf(
  { entry }: Execution,
  asked: ReadonlyMap<string, number>,
): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  const { sample } = entry
  if (sample === undefined) return found
  const endedMs = entry.atMs + entry.durationMs
  for (const row of sample.rows) {
    if (typeof row !== 'object' || row === null) continue
    for (const [index, column] of sample.columns.entries()) {
      const value = Array.isArray(row)
        ? (row[index] as unknown)
        : (row as Record<string, unknown>)[column]
      const key = valueKey(value)
      const askedMs = key === undefined ? undefined : asked.get(key)
      if (key === undefined || askedMs === undefined || askedMs < endedMs) continue
      const values = found.get(column) ?? new Set()
      values.add(key)
      found.set(column, values)
    }
  }
  return found
}
