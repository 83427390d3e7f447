export {
  expectWithinBudget,
  type ExpectBudgetOptions,
  type MeasuredCalls,
} from './budget-expect.ts'
export type { HitCounts } from './budget-hits.ts'
export type { BudgetsOptions, RouteBudget } from './budget-options.ts'
export type { EndedRequest, RequestKind } from './budget-route.ts'
export type { BudgetReport, BudgetState, HitRatioReport, LatencyReport } from './budget-verdict.ts'
export { createBudgets, type Budgets, type BudgetsStats, type ComponentBudget } from './budgets.ts'
