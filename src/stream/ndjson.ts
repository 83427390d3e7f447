import { filterRows, mapRows, type Batches } from './row-steps.ts'
import type { Run } from './run.ts'

const blank = /^\s*$/

/** Parses each line as JSON; blank lines are passed over. */
export function parseNdjson<T>(source: Batches<string>, run: Run): Batches<T> {
  return mapRows(
    filterRows(source, (line) => !blank.test(line), run),
    (line) => JSON.parse(line) as T,
    run,
  )
}
