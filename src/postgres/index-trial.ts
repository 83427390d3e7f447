import type { PoolClient } from 'pg'
import { stepsOf, type PlanNode } from './plan.ts'

/** What an index would change, according to HypoPG. */
export interface IndexTrial {
  /** The planner would use it. */
  readonly isUsed: boolean
  /** The whole plan's cost with it. */
  readonly totalCost: number
}

/** HypoPG is installed in this database. */
export async function canTryIndexes(client: PoolClient): Promise<boolean> {
  const { rowCount } = await client.query("select 1 from pg_extension where extname = 'hypopg'")
  return rowCount === 1
}

/** Plans the query as if the index were there. It exists for this session only, and is taken away again. */
export async function tryIndex(
  client: PoolClient,
  createIndex: string,
  plan: () => Promise<PlanNode>,
): Promise<IndexTrial> {
  const { rows } = await client.query('select indexrelid, indexname from hypopg_create_index($1)', [
    createIndex,
  ])
  const [{ indexrelid, indexname }] = rows as [{ indexrelid: number; indexname: string }]
  try {
    const planned = await plan()
    const isUsed = [...stepsOf(planned)].some(({ index }) => index === indexname)
    return { isUsed, totalCost: planned.totalCost }
  } finally {
    await client.query('select hypopg_drop_index($1)', [indexrelid])
  }
}
