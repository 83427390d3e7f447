import type { QueryResult } from 'pg'
import type { ResultSample } from '../../core/index.ts'

// A query builder puts a dozen of its own frames between the call and the driver.
const maxFrames = 50
const maxSampleRows = 200

/** The place that is running now; its stack is not formatted before somebody reads it. */
export function captureSite(): Error {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = maxFrames
  const site = new Error('query')
  Error.stackTraceLimit = limit
  return site
}

/** What a trace keeps of a result: the rows themselves, which the app has in its hands as well. */
export function sampleOf(result: QueryResult | undefined): ResultSample | undefined {
  // The result of several statements in one text is an array; it has no fields.
  if (result?.fields === undefined || result.rows.length === 0) return undefined
  return {
    columns: result.fields.map(({ name }) => name),
    rows: result.rows.slice(0, maxSampleRows),
  }
}
