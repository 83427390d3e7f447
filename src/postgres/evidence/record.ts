import { errorMonitor, type EventEmitter } from 'node:events'
import type { QueryResult } from 'pg'
import { activeTrace, noteDatabaseUse, systemClock } from '../../core/index.ts'
import { captureSite, sampleOf } from './capture.ts'

/** Any of the forms in which pg takes a query. */
export type QueryMethod = (this: unknown, ...call: unknown[]) => unknown

type Ended = (error: unknown, result: QueryResult | undefined, resumedAt?: Error) => void
type Callback = (error: unknown, result: QueryResult) => void

/** A query object of pg: `pg.Query`, a cursor, a stream. */
interface Submittable extends EventEmitter {
  submit: unknown
  callback?: Callback | undefined
  text?: unknown
  values?: unknown
  /** What a query stream reads from. */
  cursor?: { text?: unknown; values?: unknown }
}

/** Runs a query as it was called, and writes it into the trace of the running request if it has one. */
export function recordQuery(method: QueryMethod, self: unknown, call: unknown[]): unknown {
  noteDatabaseUse()
  const trace = activeTrace()
  const asked = trace === undefined ? undefined : readCall(call)
  if (trace === undefined || asked === undefined) return method.apply(self, call)

  const site = captureSite()
  const atMs = systemClock.monotonicMs()
  const ended: Ended = (error, result, resumedAt) => {
    const durationMs = systemClock.monotonicMs() - atMs
    const rowCount = result?.rowCount ?? undefined
    const sample = sampleOf(result)
    trace.add({
      kind: 'query',
      ...asked,
      atMs,
      durationMs,
      rowCount,
      error,
      site,
      resumedAt,
      sample,
    })
  }

  const position = call.findIndex((argument) => typeof argument === 'function')
  if (position > 0) return method.apply(self, call.with(position, reporting(call[position], ended)))
  const [input] = call
  if (isSubmittable(input)) {
    watch(input, ended)
    return method.apply(self, call)
  }
  const answer = method.apply(self, call)
  return answer instanceof Promise ? awaited(answer, ended) : answer
}

// In here, other than where the query was called, V8 knows who waits for the answer: a query of
// Drizzle begins in a microtask of its own, with nothing of the app on the stack.
async function awaited(answer: Promise<QueryResult>, ended: Ended): Promise<QueryResult> {
  try {
    const result = await answer
    ended(undefined, result, captureSite())
    return result
  } catch (error) {
    ended(error, undefined, captureSite())
    throw error
  }
}

function readCall([input, second]: unknown[]):
  | { text: string; values: readonly unknown[] | undefined }
  | undefined {
  if (typeof input === 'string') return { text: input, values: arrayOf(second) }
  if (typeof input !== 'object' || input === null) return undefined
  const { text, values, cursor } = input as Partial<Submittable>
  const asked = text ?? cursor?.text
  if (typeof asked !== 'string') return undefined
  return { text: asked, values: arrayOf(second) ?? arrayOf(values) ?? arrayOf(cursor?.values) }
}

function arrayOf(values: unknown): readonly unknown[] | undefined {
  return Array.isArray(values) ? values : undefined
}

function isSubmittable(input: unknown): input is Submittable {
  return typeof input === 'object' && input !== null && 'submit' in input
}

function watch(query: Submittable, ended: Ended): void {
  if (query.callback !== undefined) {
    query.callback = reporting(query.callback, ended)
  } else if (typeof query.once === 'function') {
    // Not `error`: with a listener of ours the app's missing one would go unnoticed.
    query.once(errorMonitor, (error) => ended(error, undefined))
    query.once('end', () => ended(undefined, undefined))
  }
}

function reporting(callback: unknown, ended: Ended): Callback {
  return (error, result) => {
    ended(error ?? undefined, result)
    ;(callback as Callback)(error, result)
  }
}
