import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CollectedMetric, Series } from './collect-metrics.ts'
import type { DurationBuckets } from '../core/index.ts'

/** As much of OpenTelemetry's `Histogram` as is used. */
export interface OtelHistogram {
  record(value: number, attributes?: Record<string, string>): void
}

type CollectedHistogram = Extract<CollectedMetric, { type: 'histogram' }>

// One record takes about 100 ns: after so many others get their turn.
const recordsPerTurn = 5_000

/** Hands ready histograms to OpenTelemetry, which takes single values only: those that have come since the last time. */
export class HistogramBridge {
  readonly #create: (metric: CollectedMetric, boundsSeconds: readonly number[]) => OtelHistogram
  readonly #histograms = new Map<string, OtelHistogram>()
  /** What has been recorded, of series that still are. */
  #recorded = new Map<string, DurationBuckets>()
  #untilTurn = recordsPerTurn

  constructor(
    create: (metric: CollectedMetric, boundsSeconds: readonly number[]) => OtelHistogram,
  ) {
    this.#create = create
  }

  async record(metrics: readonly CollectedMetric[]): Promise<void> {
    const before = this.#recorded
    const now = new Map<string, DurationBuckets>()
    const news: [OtelHistogram, Series<DurationBuckets>][] = []
    for (const metric of metrics) {
      if (metric.type !== 'histogram') continue
      for (const series of metric.series) {
        const key = `${metric.name} ${JSON.stringify(series.attributes)}`
        now.set(key, series.value)
        const value = since(before.get(key), series.value)
        news.push([this.#of(metric, series.value), { ...series, value }])
      }
    }
    // At once, before others get a turn: a second reader must not record the same again.
    this.#recorded = now
    for (const [histogram, series] of news) await this.#recordAll(histogram, series)
  }

  #of(metric: CollectedHistogram, { buckets }: DurationBuckets): OtelHistogram {
    let histogram = this.#histograms.get(metric.name)
    if (histogram === undefined) {
      const bounds = buckets.map(({ atMostMs }) => atMostMs / 1e3).filter(Number.isFinite)
      histogram = this.#create(metric, bounds)
      this.#histograms.set(metric.name, histogram)
    }
    return histogram
  }

  async #recordAll(
    histogram: OtelHistogram,
    { attributes, value }: Series<DurationBuckets>,
  ): Promise<void> {
    const own = { ...attributes }
    for (const { seconds, count } of spread(value)) {
      for (let done = 0; done < count; done++) {
        histogram.record(seconds, own)
        if (--this.#untilTurn > 0) continue
        this.#untilTurn = recordsPerTurn
        await nextTurn()
      }
    }
  }
}

/** What has come since; all of it where the counts have begun anew. */
function since(before: DurationBuckets | undefined, now: DurationBuckets): DurationBuckets {
  const isAnew = before === undefined || now.count < before.count
  if (isAnew) return now
  return {
    count: now.count - before.count,
    sumMs: now.sumMs - before.sumMs,
    buckets: now.buckets.map(({ atMostMs, count }, at) => ({
      atMostMs,
      count: Math.max(0, count - (before.buckets[at]?.count ?? 0)),
    })),
  }
}

/**
 * One value for each bucket, so that the values of all add up to the sum that was measured: each lies
 * by the same share of the bucket's width above its low end. The last bucket, which has no high end,
 * takes what is left over.
 */
function spread({ buckets, sumMs }: DurationBuckets): { seconds: number; count: number }[] {
  const ranges = buckets.map(({ atMostMs, count }, at) => {
    const aboveMs = buckets[at - 1]?.atMostMs ?? 0
    return { aboveMs, widthMs: Number.isFinite(atMostMs) ? atMostMs - aboveMs : 0, count }
  })
  const total = (of: (range: (typeof ranges)[number]) => number) =>
    ranges.reduce((sum, range) => sum + range.count * of(range), 0)
  const lowMs = total(({ aboveMs }) => aboveMs)
  const widthMs = total((range) => range.widthMs)
  const share = widthMs === 0 ? 0 : Math.min(1, Math.max(0, (sumMs - lowMs) / widthMs))
  const leftMs = Math.max(0, sumMs - lowMs - share * widthMs)
  return ranges
    .filter(({ count }) => count > 0)
    .map(({ aboveMs, widthMs, count }) => {
      const isLast = aboveMs === buckets.at(-2)?.atMostMs
      const ms = isLast ? aboveMs + leftMs / count : aboveMs + share * widthMs
      return { seconds: ms / 1e3, count }
    })
}
