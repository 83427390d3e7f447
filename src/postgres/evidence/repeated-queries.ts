import { knownOptions, positiveInteger, type RequestContext, type Trace } from '../../core/index.ts'
import type { CallSite } from './call-site.ts'
import { readExecutions, type Execution } from './executions.ts'
import { findParents, type Parent } from './parent.ts'
import { suggestRewrite } from './suggestion.ts'

/** A query that was asked once for each row of another: an N+1. */
export interface RepeatedQuery {
  readonly route: string
  /** The line of the app that asks it; undefined when no frame of the app was on the stack. */
  readonly site: CallSite | undefined
  /** Its text, of the first time. */
  readonly text: string
  readonly fingerprint: string
  /** How often it was asked, with how many different values. */
  readonly count: number
  readonly distinctCount: number
  /** The sum of what they took; asked at the same time, they took less together. */
  readonly totalMs: number
  /** The query whose rows hold the values, and the column that they are in. */
  readonly parent: {
    readonly text: string
    readonly column: string
    readonly site: CallSite | undefined
  }
  /** How one query can do the work, as far as it can be told from the text. */
  readonly suggestion: string
}

/** What {@link findRepeatedQueries} goes by. */
export interface RepeatedQueryOptions {
  /**
   * Different values that a query must have been asked with before it counts.
   *
   * @defaultValue 3
   */
  minRepeats?: number | undefined
}

/** A request with its trace: what `requestContext()` gives. */
export type TracedRequest = Pick<RequestContext, 'route' | 'trace'>

/**
 * Finds queries that a request asked once for each row of another query: same fingerprint, same way
 * through the app's code, different values, and these values are in one column of rows that had come
 * before. One after the other or at the same time makes no difference.
 *
 * Not reported: batches (`= any($1)`, an `in` list, several rows of values), a query asked again with
 * the same values (polling, retries), pages, and values that come from no earlier query.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * await runInRequest({ route: '/posts', maxTraceEntries: 1_000 }, async () => {
 *   await showPosts()
 *   for (const { site, count } of await findRepeatedQueries(requestContext())) {
 *     console.warn(`${site?.file}:${site?.line} asks ${count} times`)
 *   }
 * })
 * ```
 */
export async function findRepeatedQueries(
  request: TracedRequest | undefined,
  options: RepeatedQueryOptions = {},
): Promise<RepeatedQuery[]> {
  knownOptions('findRepeatedQueries', options, ['minRepeats'])
  const minRepeats = positiveInteger('minRepeats', options.minRepeats ?? 3)
  const trace: Trace | undefined = request?.trace
  if (request === undefined || trace === undefined) return []

  const executions = await readExecutions(trace)
  const answered = executions.filter(({ entry }) => entry.error === undefined)
  const groups = groupBy(answered, ({ fingerprint, path }) => `${fingerprint}\n${path}`)
  const suspects = groups.flatMap((group) => findSuspect(group, answered, minRepeats) ?? [])
  return confirm(suspects).map(({ group, slot, parent, distinctCount }) => {
    const [first] = group as [Execution]
    return {
      route: request.route,
      site: first.site,
      text: first.entry.text,
      fingerprint: first.fingerprint,
      count: group.length,
      distinctCount,
      totalMs: group.reduce((sum, { entry }) => sum + entry.durationMs, 0),
      parent: {
        text: parent.first.entry.text,
        column: parent.column,
        site: parent.first.site,
      },
      suggestion: suggestRewrite(first, slot),
    }
  })
}

interface Suspect {
  readonly group: readonly Execution[]
  readonly slot: number
  readonly parents: readonly Parent[]
  readonly distinctCount: number
}

function findSuspect(
  group: readonly Execution[],
  all: readonly Execution[],
  minRepeats: number,
): Suspect | undefined {
  const [first] = group
  if (first === undefined || group.length < minRepeats) return undefined
  for (const [slot, { role }] of first.slots.entries()) {
    if (role === 'order' || role === 'other') continue
    if (group.some(({ slots }) => slots[slot]?.peers !== 1)) continue
    const distinctCount = new Set(group.map(({ keys }) => keys[slot])).size
    if (distinctCount < minRepeats) continue
    const parents = findParents(group, slot, all).filter(
      ({ fingerprint }) => fingerprint !== first.fingerprint || !walksPages(group),
    )
    if (parents.length > 0) return { group, slot, parents, distinctCount }
  }
  return undefined
}

// A page begins where the one before it ended.
function walksPages(group: readonly Execution[]): boolean {
  return group[0]?.slots.some(({ role }) => role === 'order') === true
}

interface Confirmed extends Omit<Suspect, 'parents'> {
  readonly parent: Parent
}

// One row at a time is no N+1 by itself: a worker takes a job and marks it, and takes the next. It is
// one if the rows come from queries that are repeated themselves, as those of a tree.
function confirm(suspects: readonly Suspect[]): Confirmed[] {
  const confirmed = new Map<Suspect, Confirmed>()
  const repeated = new Set<string>()
  for (let isMore = true; isMore;) {
    isMore = false
    for (const suspect of suspects) {
      if (confirmed.has(suspect)) continue
      const own = suspect.group[0]?.fingerprint
      const parent = suspect.parents.find(
        ({ fanOut, fingerprint }) => fanOut > 1 || fingerprint === own || repeated.has(fingerprint),
      )
      if (parent === undefined) continue
      confirmed.set(suspect, { ...suspect, parent })
      if (own !== undefined) repeated.add(own)
      isMore = true
    }
  }
  return [...confirmed.values()]
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}
