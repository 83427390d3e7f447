import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createPool,
  findRepeatedQueries,
  traceQueries,
  type RepeatedQuery,
} from '../../src/postgres/index.ts'
import { requestContext, runInRequest } from '../../src/core/index.ts'
import { useDatabase } from '../services.ts'
import { drizzleStore } from './drizzle-store.ts'
import { kyselyStore } from './kysely-store.ts'
import { pgStore } from './pg-store.ts'
import * as heldOut from './held-out.ts'
import * as known from './scenarios.ts'
import type { Scenario } from './scenarios.ts'
import { schema, type Store } from './store.ts'

const { url } = await useDatabase()
const untrace = traceQueries(pg)
const pools = {
  hotpath: createPool(url, { maxConnections: 4 }),
  'pg.Pool': new pg.Pool({ connectionString: url, max: 4 }),
}
const libraries = { pg: pgStore, Kysely: kyselyStore, Drizzle: drizzleStore }
const stores = Object.entries(pools).flatMap(([poolName, pool]) =>
  Object.entries(libraries).map(([name, open]) => ({
    name: `${name} on ${poolName}`,
    store: open(pool),
  })),
)

beforeAll(() => pools['pg.Pool'].query(schema))

afterAll(async () => {
  for (const pool of Object.values(pools)) await pool.end()
  untrace()
})

async function judge(store: Store, scenario: Scenario): Promise<RepeatedQuery[]> {
  return runInRequest({ route: '/', maxTraceEntries: 1_000 }, async () => {
    await scenario(store)
    expect(requestContext()?.trace?.entries.length).toBeGreaterThan(0)
    return findRepeatedQueries(requestContext())
  })
}

async function count(
  scenarios: Record<string, Scenario>,
): Promise<{ found: string[]; rest: string[] }> {
  const found: string[] = []
  const rest: string[] = []
  for (const { name, store } of stores) {
    for (const [title, scenario] of Object.entries(scenarios)) {
      const evidence = await judge(store, scenario)
      ;(evidence.length > 0 ? found : rest).push(`${name}: ${title}`)
    }
  }
  return { found, rest }
}

describe('traces of real runs', () => {
  test.each([
    ['the scenarios that the rules were made with', known],
    ['scenarios that the rules had not seen', heldOut],
  ])(
    '%s: nearly all repeated queries are found, and no innocent is accused',
    async (name, { repeated, innocent }) => {
      const guilty = await count(repeated)
      const clear = await count(innocent)
      const total = guilty.found.length + guilty.rest.length
      const recall = guilty.found.length / total
      console.log(
        `${name}: recall ${(100 * recall).toFixed(1)} % of ${total}; false positives ${clear.found.length} of ${clear.found.length + clear.rest.length}`,
      )
      expect(clear.found).toEqual([])
      expect(guilty.rest).toEqual([])
      expect(recall).toBeGreaterThanOrEqual(0.98)
    },
  )
})
