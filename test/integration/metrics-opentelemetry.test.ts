import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { register } from '../../src/core/index.ts'
import { exportToOpenTelemetry, prometheusText } from '../../src/measure/index.ts'
import { createEveryComponent, type EveryComponent } from '../metrics/every-component.ts'
import { parsePrometheus } from '../metrics/prometheus-parser.ts'
import { useDatabase, useRedis } from '../services.ts'

const { url: redisUrl, prefix } = useRedis()
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
const provider = new MeterProvider({ readers: [reader] })
let every: EveryComponent
let stop: () => void

beforeAll(async () => {
  const { url: databaseUrl } = await useDatabase()
  every = await createEveryComponent({ databaseUrl, redisUrl, prefix })
  await every.use()
  stop = exportToOpenTelemetry(provider.getMeter('hotpath'))
})

afterAll(async () => {
  await provider.shutdown()
  await every.close()
})

async function collect(): Promise<Map<string, MetricData>> {
  exporter.reset()
  await provider.forceFlush()
  const metrics = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics[0]?.metrics ?? [])
  return new Map(metrics.map((metric) => [metric.descriptor.name, metric]))
}

function valueOf(metric: MetricData | undefined, attributes: Record<string, string> = {}) {
  const points = metric?.dataPoints.filter((point) =>
    Object.entries(attributes).every(([name, value]) => point.attributes[name] === value),
  )
  expect(points).toHaveLength(1)
  return points?.[0]?.value
}

describe('the metrics for OpenTelemetry', () => {
  test('have the names, types and units of the conventions', async () => {
    const metrics = await collect()
    const about = (name: string) => {
      const metric = metrics.get(name)
      const isMonotonic =
        metric?.dataPointType === DataPointType.SUM ? metric.isMonotonic : undefined
      return [metric?.descriptor.unit, metric && DataPointType[metric.dataPointType], isMonotonic]
    }
    expect(about('db.client.connection.count')).toEqual(['{connection}', 'SUM', false])
    expect(about('db.client.connection.max')).toEqual(['{connection}', 'SUM', false])
    expect(about('db.client.connection.pending_requests')).toEqual(['{request}', 'SUM', false])
    expect(about('db.client.connection.timeouts')).toEqual(['{timeout}', 'SUM', true])
    expect(about('db.client.connection.wait_time')).toEqual(['s', 'HISTOGRAM', undefined])
    expect(about('nodejs.eventloop.delay.p99')).toEqual(['s', 'GAUGE', undefined])
    expect(about('nodejs.eventloop.utilization')).toEqual(['1', 'GAUGE', undefined])
    expect(about('nodejs.eventloop.time')).toEqual(['s', 'SUM', true])
    expect(about('v8js.memory.heap.used')).toEqual(['By', 'SUM', false])
    expect(about('process.cpu.time')).toEqual(['s', 'SUM', true])
    expect(about('hotpath.function.calls')).toEqual(['{call}', 'SUM', true])
  })

  test('have the collections by kind', async () => {
    await every.collectGarbage()
    const durations = (await collect()).get('v8js.gc.duration')
    expect(durations?.descriptor.unit).toBe('s')
    expect(durations?.dataPointType).toBe(DataPointType.HISTOGRAM)
    const types = durations?.dataPoints.map(({ attributes }) => attributes['v8js.gc.type'])
    expect(types).toContain('major')
  })

  test('have the attributes that the conventions require of a request', async () => {
    const durations = (await collect()).get('http.server.request.duration')
    const attributes = durations?.dataPoints.map((point) => point.attributes)
    expect(attributes).toContainEqual(
      expect.objectContaining({
        'http.request.method': 'GET',
        'url.scheme': 'http',
        'http.route': '/page',
      }),
    )
  })

  test('agree with those for Prometheus', async () => {
    const metrics = await collect()
    const prometheus = parsePrometheus(prometheusText().body)
    const shop = { 'db.client.connection.pool.name': 'shop' }
    expect(valueOf(metrics.get('hotpath.pool.queries'), shop)).toBe(
      prometheus.get('hotpath_pool_queries_total')?.samples[0]?.value,
    )
    for (const [name, { samples }] of prometheus) {
      if (!name.startsWith('hotpath_') || !name.endsWith('_total')) continue
      const own = [...metrics.values()].find(({ descriptor }) => {
        const unit = { s: '_seconds', By: '_bytes' }[descriptor.unit] ?? ''
        return `${descriptor.name.replaceAll('.', '_')}${unit}_total` === name
      })
      expect(
        own?.dataPoints.map(({ value }) => value),
        name,
      ).toEqual(samples.map(({ value }) => value))
    }
  })

  test('have histograms whose counts and sums are those of the component, also later', async () => {
    const waits = {
      count: 0,
      sumMs: 0,
      buckets: [
        { atMostMs: 1, count: 0 },
        { atMostMs: 10, count: 0 },
        { atMostMs: Infinity, count: 0 },
      ],
    }
    const add = (bucket: 0 | 1 | 2, ms: number) => {
      waits.count++
      waits.sumMs += ms
      const of = waits.buckets[bucket]
      if (of !== undefined) of.count++
    }
    // As a scrape sees it: a snapshot.
    const unregister = register('workers', 'measured', () =>
      structuredClone({ waits, runs: waits }),
    )
    const read = async () => {
      const metric = (await collect()).get('hotpath.workers.run_time')
      const value = valueOf(metric, { 'hotpath.component': 'measured' }) as Histogram
      return {
        counts: value.buckets.counts.filter((count) => count > 0),
        count: value.count,
        sum: value.sum,
      }
    }
    try {
      for (let n = 0; n < 12_000; n++) add(0, 0.25)
      for (let n = 0; n < 30; n++) add(1, 9)
      const first = await read()
      expect(first).toMatchObject({ counts: [12_000, 30], count: 12_030 })
      expect(first.sum).toBeCloseTo(3.27, 6)
      add(2, 100)
      const second = await read()
      expect(second).toMatchObject({ counts: [12_000, 30, 1], count: 12_031 })
      expect(second.sum).toBeCloseTo(3.37, 6)
      expect(await read()).toEqual(second)
    } finally {
      unregister()
    }
  })

  test('see components that come later, until it is stopped', async () => {
    const stats = vi.fn<() => object>(() => ({ hits: 1, misses: 2, entries: 2, evictions: 0 }))
    const unregister = register('memo', 'late', stats)
    try {
      const entries = (await collect()).get('hotpath.memo.entries')
      expect(valueOf(entries, { 'hotpath.component': 'late' })).toBe(2)
      stop()
      stats.mockClear()
      await collect()
      expect(stats).not.toHaveBeenCalled()
    } finally {
      unregister()
    }
  })
})
