import { setTimeout as pause } from 'node:timers/promises'
import type { LoadProcess } from './load/load-process.ts'
import { withClient } from './with-client.ts'

/** How long PostgreSQL must have had nothing to do. */
const quietMs = 100

/** More than the naive build needs for the requests that the load walked away from. */
const longestWaitMs = 20_000

/**
 * Makes each job of the load end only when PostgreSQL has come to rest. A server goes on with
 * requests whose client is gone; the naive build does so for seconds, and whatever is measured
 * next would pay for it.
 */
export function withQuietAfter(
  load: LoadProcess,
  databaseUrl: string,
  signal: AbortSignal,
): LoadProcess {
  const afterwards = async <T>(figures: Promise<T>): Promise<T> => {
    const result = await figures
    await waitUntilQuiet(databaseUrl, signal)
    return result
  }
  return {
    closedLoop: (job) => afterwards(load.closedLoop(job)),
    openLoop: (job) => afterwards(load.openLoop(job)),
    once: (job) => afterwards(load.once(job)),
    close: load.close,
  }
}

function waitUntilQuiet(databaseUrl: string, signal: AbortSignal): Promise<void> {
  return withClient(databaseUrl, async (client) => {
    const endMs = performance.now() + longestWaitMs
    while (performance.now() < endMs) {
      // New connections count as work: the naive build makes one for each query.
      const { rowCount } = await client.query(
        `select from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()
           and (state = 'active'
             or greatest(backend_start, state_change) > clock_timestamp() - $1 * interval '1 ms')
         limit 1`,
        [quietMs],
      )
      if (rowCount === 0) return
      await pause(quietMs / 4, undefined, { signal })
    }
  })
}
