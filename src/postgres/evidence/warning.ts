import { eventChannel } from '../../core/index.ts'
import { describeRepeatedQuery } from './description.ts'
import {
  findRepeatedQueries,
  type RepeatedQuery,
  type RepeatedQueryOptions,
  type TracedRequest,
} from './repeated-queries.ts'

const repeated = eventChannel('hotpath:postgres:repeated-queries')

// An app with more places than this that repeat queries has been told enough.
const maxWarnings = 1_000
const warnedSites = new Set<string>()

/**
 * Emits a process warning for each place that repeats queries in this request, once for each place as
 * long as the process lives; and each time an event on `hotpath:postgres:repeated-queries`. The
 * adapters' option `warnRepeatedQueries` calls it for every request; call it yourself where you open
 * requests by `runInRequest`.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * await runInRequest({ route: 'nightly report', maxTraceEntries: 1_000 }, async () => {
 *   await makeReport(pool)
 *   await warnOfRepeatedQueries(requestContext())
 * })
 * ```
 */
export async function warnOfRepeatedQueries(
  request: TracedRequest | undefined,
  options: RepeatedQueryOptions = {},
): Promise<void> {
  for (const found of await findRepeatedQueries(request, options)) {
    if (repeated.hasSubscribers) repeated.publish(payloadOf(found))
    const place = placeOf(found)
    if (warnedSites.has(place) || warnedSites.size >= maxWarnings) continue
    warnedSites.add(place)
    process.emitWarning(`route ${found.route}: ${describeRepeatedQuery(found)}`, {
      type: 'RepeatedQueriesWarning',
    })
  }
}

function placeOf({ site, fingerprint }: RepeatedQuery): string {
  return site === undefined ? fingerprint : `${site.file}:${site.line}:${site.column}`
}

function payloadOf({ route, site, text, count, distinctCount, totalMs, ...rest }: RepeatedQuery) {
  const { parent, suggestion } = rest
  return { route, site, text, count, distinctCount, totalMs, parent, suggestion }
}
