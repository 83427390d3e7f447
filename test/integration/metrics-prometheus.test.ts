import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { prometheusText } from '../../src/measure/index.ts'
import { register } from '../../src/core/index.ts'
import {
  awkwardName,
  createEveryComponent,
  kindsAlive,
  type EveryComponent,
} from '../metrics/every-component.ts'
import {
  parseOpenMetrics,
  parsePrometheus,
  type Exposition,
  type Sample,
} from '../metrics/prometheus-parser.ts'
import { useDatabase, useRedis } from '../services.ts'

const { url: redisUrl, prefix } = useRedis()
let every: EveryComponent

beforeAll(async () => {
  const { url: databaseUrl } = await useDatabase()
  every = await createEveryComponent({ databaseUrl, redisUrl, prefix })
  await every.use()
})

afterAll(() => every.close())

function scrape(): Exposition {
  return parsePrometheus(prometheusText().body)
}

function samplesOf(exposition: Exposition, name: string, labels: Record<string, string> = {}) {
  const samples = exposition.get(name)?.samples ?? []
  return samples.filter((sample) =>
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
}

function valueOf(name: string, labels: Record<string, string> = {}): number | undefined {
  const [sample, ...others] = samplesOf(scrape(), name, labels)
  expect(others).toEqual([])
  return sample?.value
}

describe('the text for Prometheus', () => {
  test('is what promtool would take, of components of every kind', () => {
    expect(prometheusText().contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect([...kindsAlive()].toSorted()).toEqual([
      'batcher',
      'budgets',
      'cache',
      'compressor',
      'function',
      'limiter',
      'memo',
      'monitor',
      'pool',
      'response-cache',
      'shedder',
      'tasks',
      'uploads',
      'workers',
    ])
    const names = [...scrape().keys()]
    for (const start of [
      'db_client_connection',
      'hotpath_batcher',
      'hotpath_budget',
      'hotpath_cache',
      'hotpath_compressor',
      'hotpath_function',
      'hotpath_limiter',
      'hotpath_memo',
      'hotpath_response_cache',
      'hotpath_shedder',
      'hotpath_tasks',
      'hotpath_uploads',
      'hotpath_workers',
      'http_server_request_duration',
      'nodejs_eventloop',
      'process_',
      'v8js_',
    ]) {
      expect(names.filter((name) => name.startsWith(start))).not.toEqual([])
    }
  })

  test('has the figures that the components have', async () => {
    const shop = { db_client_connection_pool_name: 'shop' }
    expect(valueOf('db_client_connection_max', shop)).toBe(2)
    expect(valueOf('hotpath_pool_queries_total', shop)).toBe(4)
    const inHistogram = samplesOf(scrape(), 'db_client_connection_wait_time_seconds', shop)
    expect(inHistogram.at(-1)).toMatchObject({ value: 4 })
    expect(valueOf('hotpath_memo_calls_total', { hotpath_result: 'hit' })).toBe(1)
    expect(valueOf('hotpath_memo_calls_total', { hotpath_result: 'miss' })).toBe(2)
    const users = { hotpath_component: awkwardName }
    expect(valueOf('hotpath_cache_reads_total', { ...users, hotpath_result: 'hit' })).toBe(1)
    expect(valueOf('hotpath_function_errors_total', { hotpath_component: 'fail' })).toBe(1)
    expect(valueOf('hotpath_response_cache_requests_total', { hotpath_result: 'hit' })).toBe(2)
    // The task is known to be completed a moment before it is counted.
    await expect
      .poll(() => valueOf('hotpath_tasks_attempts_total', { hotpath_outcome: 'completed' }))
      .toBe(1)
    const page = { http_request_method: 'GET', url_scheme: 'http', http_route: '/page' }
    const requests = samplesOf(scrape(), 'http_server_request_duration_seconds', page)
    expect(requests.at(-1)).toMatchObject({ value: 3 })
    expect(valueOf('hotpath_workers_calls_total', { hotpath_outcome: 'completed' })).toBe(1)
    expect(
      valueOf('hotpath_compressor_input_bytes_total', { hotpath_coding: 'gzip' }),
    ).toBeGreaterThan(
      valueOf('hotpath_compressor_output_bytes_total', { hotpath_coding: 'gzip' }) ?? Infinity,
    )
    expect(valueOf('process_memory_usage_bytes')).toBeGreaterThan(10e6)
  })

  test('counts on and never back', async () => {
    const before = scrape()
    await every.use()
    const after = scrape()
    for (const [name, { type, samples }] of before) {
      if (type === 'gauge') continue
      for (const sample of samples) {
        const now = same(after, name, sample)
        expect(now, `${name} ${JSON.stringify(sample.labels)}`).toBeGreaterThanOrEqual(sample.value)
      }
    }
    const shop = { db_client_connection_pool_name: 'shop' }
    expect(samplesOf(after, 'hotpath_pool_queries_total', shop)[0]?.value).toBe(8)
  })

  test('is the same as OpenMetrics for those who ask for it', () => {
    const { contentType, body } = prometheusText(
      'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5',
    )
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    const names = [...parseOpenMetrics(body).keys()]
    expect(names).toEqual([...scrape().keys()].map((name) => name.replace(/_total$/, '')))
  })

  test('leaves out a component that cannot be read, and says so', () => {
    const unregister = register('memo', 'broken', () => {
      throw new Error('no figures today')
    })
    try {
      expect(valueOf('hotpath_export_dropped', { hotpath_reason: 'failure' })).toBe(1)
      expect(samplesOf(scrape(), 'hotpath_memo_entries')).toHaveLength(1)
    } finally {
      unregister()
    }
  })

  test('leaves out a component of another version, whose figures are not these', () => {
    const unregister = register('shedder', 'newer', () => ({ limit: 5 }))
    try {
      expect(valueOf('hotpath_export_dropped', { hotpath_reason: 'failure' })).toBe(1)
    } finally {
      unregister()
    }
  })

  test('holds so many series of a metric and no more', () => {
    const budgets = Array.from({ length: 1_200 }, (_, route) => ({
      subject: `GET /${route}`,
      kind: 'simple',
      state: 'met',
      p95Ms: 5,
      budgetMs: 100,
    }))
    const unregister = register('budgets', 'many', () => ({
      met: 1_200,
      missed: 0,
      notEnoughData: 0,
      budgets,
      requests: [],
    }))
    try {
      expect(samplesOf(scrape(), 'hotpath_budget_p95_seconds')).toHaveLength(1_000)
      expect(valueOf('hotpath_export_dropped', { hotpath_reason: 'bound' })).toBeGreaterThan(600)
    } finally {
      unregister()
    }
  })
})

function same(exposition: Exposition, family: string, { name, labels }: Sample) {
  return samplesOf(exposition, family, labels).find((sample) => sample.name === name)?.value
}
