import { createPool } from 'hotpath/postgres'
import { Client, Pool } from 'pg'
import { sql } from '../../api/sql.ts'
import { settings } from '../../settings.ts'
import { interleave } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { median } from '../statistics.ts'

const callers = 16

export const row: ProofRow = {
  id: 'pooling',
  order: 10,
  what: `Pooling: one user by id, ${callers} callers at once`,
  unit: 'ms',
  better: 'lower',
  claimed: '50 → 2 ms',
  budgetMs: 5_000,
  async measure({ databaseUrl, catalogue, rounds, budgetMs, signal }) {
    const { maxConnections } = settings
    const usual = new Pool({ connectionString: databaseUrl, max: maxConnections })
    const hotpath = createPool(databaseUrl, { name: 'proof', maxConnections })
    const { user: text } = sql
    const queries = {
      naive: (id: number) => queryAlone(databaseUrl, text, id),
      usual: (id: number) => usual.query({ name: 'user', text, values: [id] }),
      hotpath: (id: number) => hotpath.query(text, [id]),
    }
    try {
      const runMs = budgetMs / (3 * rounds + 1)
      const run = async (query: (id: number) => Promise<unknown>, durationMs: number) =>
        median(await timeCallers(query, catalogue.users, durationMs, signal))
      await run(queries.usual, runMs / 2)
      await run(queries.hotpath, runMs / 2)
      return { rounds: await interleave(rounds, (build) => run(queries[build], runMs)) }
    } finally {
      await Promise.all([usual.end(), hotpath.end()])
    }
  },
}

/** What the naive build does for every query. */
async function queryAlone(databaseUrl: string, text: string, id: number): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(text, [id])
  } finally {
    await client.end()
  }
}

/** How long each query took, in milliseconds, as its caller saw it. */
async function timeCallers(
  query: (id: number) => Promise<unknown>,
  ids: readonly number[],
  durationMs: number,
  signal: AbortSignal,
): Promise<number[]> {
  const endMs = performance.now() + durationMs
  const tookMs: number[] = []
  let asked = 0
  const call = async () => {
    while (performance.now() < endMs) {
      signal.throwIfAborted()
      const startMs = performance.now()
      await query(ids[asked++ % ids.length] ?? 1)
      tookMs.push(performance.now() - startMs)
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return tookMs
}
