import { components, type ComponentKind, type RegisteredComponent } from '../core/index.ts'
import type { DurationBuckets } from '../core/index.ts'
import {
  by,
  type Attributes,
  type Described,
  type MetricTable,
  type NumberMetric,
} from './metric.ts'
import { budgetsMetrics } from './metrics-budgets.ts'
import { compressorMetrics, limiterMetrics, shedderMetrics } from './metrics-http.ts'
import { cacheMetrics, memoMetrics, responseCacheMetrics } from './metrics-memory.ts'
import { poolMetrics } from './metrics-pool.ts'
import { runtimeMetrics } from './metrics-runtime.ts'
import { tasksMetrics, uploadsMetrics } from './metrics-tasks.ts'
import { batcherMetrics, functionMetrics, workersMetrics } from './metrics-work.ts'

/** Field by field: of a figure that nobody has described, type and unit would be guesses. */
const tables: Readonly<Record<ComponentKind, MetricTable<never>>> = {
  memo: memoMetrics,
  cache: cacheMetrics,
  'response-cache': responseCacheMetrics,
  pool: poolMetrics,
  limiter: limiterMetrics,
  shedder: shedderMetrics,
  compressor: compressorMetrics,
  batcher: batcherMetrics,
  monitor: runtimeMetrics,
  budgets: budgetsMetrics,
  function: functionMetrics,
  tasks: tasksMetrics,
  uploads: uploadsMetrics,
  workers: workersMetrics,
}

// A scrape must stay readable for whoever stores it: a metric has so many series and no more.
const maxSeries = 1_000

export type Exporter = 'prometheus' | 'opentelemetry'

export interface Series<Value> {
  readonly attributes: Attributes
  readonly value: Value
}

/** A metric with the figures of now. */
export type CollectedMetric = Described &
  (
    | { readonly type: NumberMetric<never>['type']; readonly series: readonly Series<number>[] }
    | { readonly type: 'histogram'; readonly series: readonly Series<DurationBuckets>[] }
  )

/** For whoever misses a series. */
const dropped: NumberMetric<never> = {
  name: 'hotpath.export.dropped',
  type: 'gauge',
  unit: '{series}',
  help: 'What is missing here: series above the bound, and components whose figures threw.',
  points: () => [],
}

/** All metrics of numbers that an exporter may come to show. */
export function numberMetricsFor(exporter: Exporter): readonly NumberMetric<never>[] {
  return [...Object.values(tables).flatMap(({ metrics }) => metrics), dropped]
    .filter((metric) => metric.type !== 'histogram')
    .filter((metric) => isFor(exporter, metric))
}

/** Reads all components. Those that throw are left out. */
export function collectMetrics(exporter: Exporter): readonly CollectedMetric[] {
  const collected = new Map<string, Collecting>()
  let droppedSeries = 0
  let failedComponents = 0
  for (const component of components()) {
    // Another version of the package in the same process may have other kinds.
    const table: MetricTable<never> | undefined = tables[component.kind]
    if (table === undefined) continue
    try {
      droppedSeries += addAll(collected, table, component, exporter)
    } catch {
      // Its figures threw, or are those of another version: the others are told all the same.
      failedComponents++
    }
  }
  return [
    ...[...collected.values()].filter(({ series }) => series.length > 0),
    {
      ...dropped,
      series: by('hotpath.reason', { bound: droppedSeries, failure: failedComponents }),
    },
  ] as readonly CollectedMetric[]
}

type Collecting = Described & { readonly type: CollectedMetric['type']; series: Series<unknown>[] }

/** Returns how many series found no room. */
function addAll(
  collected: Map<string, Collecting>,
  { nameAttribute, metrics }: MetricTable<never>,
  component: RegisteredComponent,
  exporter: Exporter,
): number {
  const stats = component.stats()
  let droppedSeries = 0
  for (const metric of metrics) {
    if (!isFor(exporter, metric)) continue
    let entry = collected.get(metric.name)
    if (entry === undefined) collected.set(metric.name, (entry = { ...metric, series: [] }))
    for (const { attributes, value } of metric.points(stats as never)) {
      if (value === undefined) continue
      if (entry.series.length >= maxSeries) droppedSeries++
      else
        entry.series.push({ attributes: { [nameAttribute]: component.name, ...attributes }, value })
    }
  }
  return droppedSeries
}

function isFor(exporter: Exporter, { only }: Described): boolean {
  return only === undefined || only === exporter
}
