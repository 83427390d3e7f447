import type { Pool, PoolClient } from 'pg'
import { invalid, knownOptions } from '../core/index.ts'
import { quoteName, quoteTable } from './identifiers.ts'
import { canTryIndexes, tryIndex, type IndexTrial } from './index-trial.ts'
import { readFilter } from './plan-filter.ts'
import { readPlan, stepsOf, type PlanNode, type RawPlan } from './plan.ts'

/** A query to be explained. */
export interface ExplainedQuery {
  text: string
  values?: unknown[] | undefined
}

/** How {@link explain} looks at a query. */
export interface ExplainOptions {
  /**
   * Runs the query, to tell what it really took. Whatever it writes is rolled back; what a rollback
   * does not undo stays done: sequences move on, and locks are held while it runs.
   *
   * @defaultValue false
   */
  analyze?: boolean | undefined
}

/** What PostgreSQL will do for a query, or has done. */
export interface Explanation {
  readonly plan: PlanNode
  /** In the planner's unit: 1 is the reading of one block in order. */
  readonly totalCost: number
  /** Rows that the planner expects. */
  readonly rows: number
  /** Milliseconds that the query ran; only with `analyze`. */
  readonly executionMs: number | undefined
  /** Tables of 10,000 rows or more that are read from end to end. */
  readonly sequentialScans: readonly SequentialScan[]
}

/** A large table that is read from end to end. */
export interface SequentialScan {
  readonly schema: string
  readonly table: string
  /** Rows of the table, as last counted by ANALYZE. */
  readonly tableRows: number
  readonly filter: string | undefined
  /** The columns in the filter. */
  readonly columns: readonly string[]
  /** A `CREATE INDEX` that may spare the scan; undefined where the filter shows none. */
  readonly suggestion: string | undefined
  /** What the planner makes of the suggestion; undefined without HypoPG in the database. */
  readonly trial: IndexTrial | undefined
}

// Below that, reading a table as a whole is quick and often the best way.
const largeTableRows = 10_000

/**
 * Tells how PostgreSQL carries a query out, which large tables it reads from end to end for it, and
 * which index may help.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { explain } from 'hotpath/postgres'
 *
 * const { totalCost, sequentialScans } = await explain(pool, {
 *   text: 'select * from posts where author_id = $1',
 *   values: [42],
 * })
 * for (const { table, tableRows, suggestion } of sequentialScans) {
 *   console.log(`reads all ${tableRows} rows of ${table}; try: ${suggestion}`)
 * }
 * ```
 */
export async function explain(
  pool: Pick<Pool, 'connect'>,
  query: string | ExplainedQuery,
  options: ExplainOptions = {},
): Promise<Explanation> {
  knownOptions('explain', options, ['analyze'])
  const { text, values } = typeof query === 'string' ? { text: query, values: undefined } : query
  if (typeof text !== 'string') invalid('text', 'a query', text)
  const { analyze = false } = options
  const client = await pool.connect()
  try {
    const raw = await runAndRollBack(client, { text, values }, analyze ? 'analyze, ' : '')
    const plan = readPlan(raw.Plan as RawPlan)
    return {
      plan,
      totalCost: plan.totalCost,
      rows: plan.rows,
      executionMs: raw['Execution Time'] as number | undefined,
      sequentialScans: await findScans(client, { text, values }, plan),
    }
  } finally {
    client.release()
  }
}

async function runAndRollBack(
  client: PoolClient,
  query: ExplainedQuery,
  mode: string,
): Promise<RawPlan> {
  await client.query('begin')
  try {
    return await run(client, query, `${mode}verbose`)
  } finally {
    await client.query('rollback')
  }
}

// The extended protocol takes one statement only: none can come behind the query that commits.
async function run(
  client: PoolClient,
  { text, values }: ExplainedQuery,
  mode: string,
): Promise<RawPlan> {
  const request = {
    text: `explain (format json, ${mode}) ${text}`,
    values: values ?? [],
    queryMode: 'extended',
  }
  const { rows } = await client.query<{ 'QUERY PLAN': RawPlan[] }>(request)
  return rows[0]?.['QUERY PLAN'][0] ?? {}
}

async function findScans(
  client: PoolClient,
  query: ExplainedQuery,
  plan: PlanNode,
): Promise<SequentialScan[]> {
  const scans: SequentialScan[] = []
  const canTry = await canTryIndexes(client)
  for (const { kind, schema, table, alias, filter } of stepsOf(plan)) {
    if (kind !== 'Seq Scan' || schema === undefined || table === undefined) continue
    const { tableRows, names } = await describeTable(client, schema, table)
    if (tableRows < largeTableRows) continue
    const { all, indexable } = readFilter(filter ?? '', alias ?? table, names)
    const list = indexable.map((name) => quoteName('column', name)).join(', ')
    const suggestion =
      list === '' ? undefined : `create index on ${quoteTable(table, schema)} (${list})`
    const replan = async () => readPlan((await run(client, query, 'verbose')).Plan as RawPlan)
    const trial =
      canTry && suggestion !== undefined ? await tryIndex(client, suggestion, replan) : undefined
    scans.push({ schema, table, tableRows, filter, columns: all, suggestion, trial })
  }
  return scans
}

async function describeTable(
  client: PoolClient,
  schema: string,
  table: string,
): Promise<{ tableRows: number; names: string[] }> {
  const { rows } = await client.query<{ table_rows: number; names: string[] }>(
    `select c.reltuples::float8 as table_rows,
       array(
         select attname::text from pg_attribute
         where attrelid = c.oid and attnum > 0 and not attisdropped order by attnum
       ) as names
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2`,
    [schema, table],
  )
  return { tableRows: rows[0]?.table_rows ?? 0, names: rows[0]?.names ?? [] }
}
