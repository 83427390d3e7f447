import { relative } from 'node:path'
import { requestContext, runInRequest } from 'hotpath'
import { findRepeatedQueries, traceQueries } from 'hotpath/postgres'
import pg from 'pg'
import { build } from '../builds/naive.ts'

const route = '/api/questions'

/** Asks the naive build for its questions once, and says which query it repeats, and where that is written. */
export async function describeRepeatedQueries(databaseUrl: string): Promise<string> {
  const untrace = traceQueries(pg)
  const app = await build({ databaseUrl })
  try {
    const traced = await runInRequest({ route, maxTraceEntries: 1_000 }, async () => {
      await app.inject(route)
      return requestContext()
    })
    const [worst] = await findRepeatedQueries(traced)
    if (worst === undefined) return `No repeated query was found in ${route} of the naive build`
    const { site, count, text } = worst
    const file = relative(process.cwd(), site?.file ?? '')
    return `The naive build asks "${text}" ${count} times for one ${route}: ${file}:${site?.line}`
  } finally {
    await app.close()
    untrace()
  }
}
