import { collectMetrics, numberMetricsFor } from './collect-metrics.ts'
import type { Described, NumberMetric } from './metric.ts'
import { HistogramBridge, type OtelHistogram } from './histogram-bridge.ts'

interface InstrumentOptions {
  unit?: string
  description?: string
  advice?: { explicitBucketBoundaries?: number[] }
}

/** As much of OpenTelemetry's `Meter` as is used. */
export interface OtelMeter<Observable extends object = object> {
  createObservableCounter(name: string, options?: InstrumentOptions): Observable
  createObservableUpDownCounter(name: string, options?: InstrumentOptions): Observable
  createObservableGauge(name: string, options?: InstrumentOptions): Observable
  createHistogram(name: string, options?: InstrumentOptions): OtelHistogram
  addBatchObservableCallback(callback: OtelCallback<Observable>, observables: Observable[]): void
  removeBatchObservableCallback(callback: OtelCallback<Observable>, observables: Observable[]): void
}

/** Called by OpenTelemetry at every collection. */
export type OtelCallback<Observable extends object = object> = (result: {
  observe(observable: Observable, value: number, attributes?: Record<string, string>): void
}) => Promise<void>

/**
 * Shows the figures of all components to OpenTelemetry, those of components to come too, under the
 * names of its semantic conventions where they have them. What is read is read when OpenTelemetry
 * collects; a call, a query or a request costs nothing more.
 *
 * The API of OpenTelemetry takes no ready histograms. At each collection the durations that have come
 * are recorded one by one in their buckets, so that counts and sums are right and no value is further
 * off than its bucket is wide.
 *
 * @param meter of `@opentelemetry/api`
 * @returns a function that ends it
 *
 * @example
 * ```ts
 * import { metrics } from '@opentelemetry/api'
 * import { exportToOpenTelemetry } from 'hotpath/measure'
 *
 * const stop = exportToOpenTelemetry(metrics.getMeter('hotpath'))
 * ```
 */
export function exportToOpenTelemetry<Observable extends object>(
  meter: OtelMeter<Observable>,
): () => void {
  const observables = new Map<string, Observable>()
  for (const metric of numberMetricsFor('opentelemetry')) {
    observables.set(metric.name, createObservable(meter, metric))
  }
  const bridge = new HistogramBridge((metric, bounds) =>
    meter.createHistogram(metric.name, {
      ...described(metric),
      advice: { explicitBucketBoundaries: [...bounds] },
    }),
  )

  const collect: OtelCallback<Observable> = async (result) => {
    const metrics = collectMetrics('opentelemetry')
    for (const metric of metrics) {
      const observable = observables.get(metric.name)
      if (metric.type === 'histogram' || observable === undefined) continue
      for (const { attributes, value } of metric.series) {
        result.observe(observable, value, { ...attributes })
      }
    }
    await bridge.record(metrics)
  }

  const all = [...observables.values()]
  meter.addBatchObservableCallback(collect, all)
  return () => meter.removeBatchObservableCallback(collect, all)
}

function createObservable<Observable extends object>(
  meter: OtelMeter<Observable>,
  metric: NumberMetric<never>,
): Observable {
  const options = described(metric)
  switch (metric.type) {
    case 'counter':
      return meter.createObservableCounter(metric.name, options)
    case 'upDownCounter':
      return meter.createObservableUpDownCounter(metric.name, options)
    case 'gauge':
      return meter.createObservableGauge(metric.name, options)
  }
}

function described({ unit, help }: Described): InstrumentOptions {
  return { unit, description: help }
}
