import type { Budgets, BudgetsOptions } from '../measure/index.ts'

/** What an adapter's options say about watching its requests. */
export interface ObserveOptions {
  /**
   * Entries that the trace of one request keeps (queries, cache verdicts, outgoing calls, tasks); 0
   * traces nothing and costs nothing. With a number every handler runs in a request context that
   * `requestContext()` reads. For development and for the doctor.
   *
   * @defaultValue 0, or 1,000 with `warnRepeatedQueries`
   */
  maxTraceEntries?: number | undefined
  /**
   * Traces requests, and warns on the console of each line that asks a query once for every row of
   * another one; see `findRepeatedQueries`. For development: it costs two stacks for each query.
   *
   * @defaultValue true where NODE_ENV is 'development', else false
   */
  warnRepeatedQueries?: boolean | undefined
  /**
   * Judges the latency of each route, and the hit ratio of each cached one, by budgets; see
   * `createBudgets`. Those that you have made yourself you close yourself.
   *
   * @defaultValue false
   */
  budgets?: BudgetsOptions | Budgets | boolean | undefined
  /**
   * Sends `Server-Timing`: how long the request took, its budget and what the response cache said;
   * with a trace its queries. A browser shows it beside each request. Everybody may read it: think of
   * what it tells before you switch it on in production.
   *
   * @defaultValue false
   */
  serverTiming?: boolean | undefined
}

/** The names of {@link ObserveOptions}, for the check of an adapter's own. */
export const observeOptionNames: readonly (keyof ObserveOptions)[] = [
  'maxTraceEntries',
  'warnRepeatedQueries',
  'budgets',
  'serverTiming',
]
