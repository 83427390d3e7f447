export type { CallSite } from './call-site.ts'
export {
  findRepeatedQueries,
  type RepeatedQuery,
  type RepeatedQueryOptions,
  type TracedRequest,
} from './repeated-queries.ts'
export { traceQueries, type PgModule } from './trace-queries.ts'
export { expectNoRepeatedQueries } from './expect.ts'
export { warnOfRepeatedQueries } from './warning.ts'
