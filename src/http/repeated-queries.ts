import type { RequestContext } from '../core/index.ts'

/** Entries of a trace that is made for the warning alone. */
export const warningTraceEntries = 1_000

// Fewer queries than a parent and three that repeat are no finding.
const leastQueries = 4

/** The default of `warnRepeatedQueries`. */
export function isDevelopment(): boolean {
  return process.env['NODE_ENV'] === 'development'
}

/**
 * Warns of what a request has repeated. PostgreSQL's room is loaded when the first request has asked so
 * many queries that there can be something: an app without `pg` never needs it.
 */
export function warnAfter({ route, trace }: RequestContext): void {
  const queries = trace?.entries.filter(({ kind }) => kind === 'query').length ?? 0
  if (queries < leastQueries) return
  // The route is read now: later the framework may use its request again.
  void import('../postgres/index.ts')
    .then(({ warnOfRepeatedQueries }) => warnOfRepeatedQueries({ route, trace }))
    .catch((error: unknown) => {
      process.emitWarning(`route ${route}: its queries could not be examined: ${String(error)}`, {
        type: 'RepeatedQueriesWarning',
      })
    })
}
