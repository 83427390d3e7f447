/** One step of a plan, with the steps that it takes its rows from. */
export interface PlanNode {
  /** As PostgreSQL names it: `Seq Scan`, `Index Scan`, `Hash Join`, … */
  readonly kind: string
  readonly schema: string | undefined
  readonly table: string | undefined
  /** The name that the query gives the table. */
  readonly alias: string | undefined
  readonly index: string | undefined
  /** The condition that rows are held against after they were read. */
  readonly filter: string | undefined
  /** In the planner's unit: 1 is the reading of one block in order. */
  readonly totalCost: number
  /** Rows that the planner expects. */
  readonly rows: number
  /** Rows that came, and milliseconds that it took, over all loops; only with `analyze`. */
  readonly actualRows: number | undefined
  readonly actualMs: number | undefined
  readonly children: readonly PlanNode[]
}

/** A node of `EXPLAIN (FORMAT JSON)`. */
export type RawPlan = Readonly<Record<string, unknown>>

export function readPlan(raw: RawPlan): PlanNode {
  const loops = raw['Actual Loops'] as number | undefined
  const total = (name: string) => {
    const value = raw[name] as number | undefined
    return value === undefined || loops === undefined ? undefined : value * loops
  }
  const children = (raw.Plans ?? []) as RawPlan[]
  return {
    kind: raw['Node Type'] as string,
    schema: raw.Schema as string | undefined,
    table: raw['Relation Name'] as string | undefined,
    alias: raw.Alias as string | undefined,
    index: raw['Index Name'] as string | undefined,
    filter: raw.Filter as string | undefined,
    totalCost: raw['Total Cost'] as number,
    rows: raw['Plan Rows'] as number,
    actualRows: total('Actual Rows'),
    actualMs: total('Actual Total Time'),
    children: children.map(readPlan),
  }
}

/** All steps of a plan, from the top. */
export function* stepsOf(plan: PlanNode): Generator<PlanNode> {
  yield plan
  for (const child of plan.children) yield* stepsOf(child)
}
