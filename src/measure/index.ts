export {
  expectWithinBudget,
  type ExpectBudgetOptions,
  type MeasuredCalls,
} from './budget-expect.ts'
export type { HitCounts } from './budget-hits.ts'
export type { BudgetsOptions, RouteBudget } from './budget-options.ts'
export type { EndedRequest, RequestKind, UrlScheme } from './budget-route.ts'
export type { BudgetReport, BudgetState, HitRatioReport, LatencyReport } from './budget-verdict.ts'
export {
  createBudgets,
  type Budgets,
  type BudgetsStats,
  type ComponentBudget,
  type RequestDurations,
} from './budgets.ts'
export type { MeasureStats } from './call-record.ts'
export type { CallUsage } from './call-usage.ts'
export type { DurationStats } from './duration-histogram.ts'
export { measure, type Measured } from './measure.ts'
export { measured } from './measured.ts'
export type { MeasuredCall, MeasureOptions } from './options.ts'
export type { UsageStats } from './usage-totals.ts'
export type { GcKind } from './gc-watch.ts'
export type { HeapTrend } from './heap-trend.ts'
export type { LoopDelay, LoopStats } from './loop-watch.ts'
export type { RuntimeMonitorOptions } from './monitor-options.ts'
export { createRuntimeMonitor, type RuntimeMonitor, type RuntimeStats } from './runtime-monitor.ts'
export type { OtelHistogram } from './histogram-bridge.ts'
export { exportToOpenTelemetry, type OtelCallback, type OtelMeter } from './opentelemetry.ts'
export { prometheusText, type PrometheusText } from './prometheus-text.ts'
