import { collectMetrics, type CollectedMetric, type Series } from './collect-metrics.ts'
import type { DurationBuckets } from '../core/index.ts'

/** An answer to a scrape. */
export interface PrometheusText {
  readonly contentType: string
  readonly body: string
}

/**
 * The figures of all components, as Prometheus scrapes them: OpenMetrics 1.0 where the scraper asks
 * for it, otherwise the text format 0.0.4. Names are those of OpenTelemetry, as its exporters write
 * them for Prometheus: `http.server.request.duration` in seconds is
 * `http_server_request_duration_seconds`.
 *
 * @param accept the `Accept` of the request
 *
 * @example
 * ```ts
 * import { prometheusText } from 'hotpath/measure'
 *
 * app.get('/metrics', (request, reply) => {
 *   const { contentType, body } = prometheusText(request.headers.accept)
 *   return reply.type(contentType).send(body)
 * })
 * ```
 */
export function prometheusText(accept = ''): PrometheusText {
  const metrics = collectMetrics('prometheus')
  if (!accept.includes('application/openmetrics-text')) {
    const body = metrics.map((metric) => family(metric, '_total')).join('')
    return { contentType: 'text/plain; version=0.0.4; charset=utf-8', body }
  }
  // There, a counter is named without the ending of its samples.
  const body = metrics.map((metric) => family(metric, '')).join('')
  return {
    contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    body: `${body}# EOF\n`,
  }
}

const prometheusTypes = {
  counter: 'counter',
  upDownCounter: 'gauge',
  gauge: 'gauge',
  histogram: 'histogram',
} as const

const unitEndings: Readonly<Record<string, string>> = {
  s: '_seconds',
  By: '_bytes',
  'By/s': '_bytes_per_second',
  '1': '_ratio',
}

function family(metric: CollectedMetric, counterEnding: '_total' | ''): string {
  const name = prometheusName(metric)
  const title = metric.type === 'counter' ? name + counterEnding : name
  const head = `# HELP ${title} ${escapeHelp(metric.help)}\n# TYPE ${title} ${prometheusTypes[metric.type]}\n`
  if (metric.type === 'histogram') {
    return head + metric.series.map((series) => histogram(name, series)).join('')
  }
  const ending = metric.type === 'counter' ? '_total' : ''
  return head + metric.series.map((series) => sample(name + ending, series)).join('')
}

function prometheusName({ name, unit, prometheusName }: CollectedMetric): string {
  return prometheusName ?? `${name.replaceAll('.', '_')}${unitEndings[unit] ?? ''}`
}

function histogram(name: string, { attributes, value }: Series<DurationBuckets>): string {
  let sum = 0
  const buckets = value.buckets.map(({ atMostMs, count }) => {
    sum += count
    return sample(`${name}_bucket`, {
      attributes: { ...attributes, le: border(atMostMs / 1e3) },
      value: sum,
    })
  })
  // Of the buckets, so that the two never differ.
  return [
    ...buckets,
    sample(`${name}_sum`, { attributes, value: value.sumMs / 1e3 }),
    sample(`${name}_count`, { attributes, value: sum }),
  ].join('')
}

function sample(name: string, { attributes, value }: Series<number>): string {
  const labels = Object.entries(attributes).map(
    ([attribute, text]) => `${attribute.replaceAll('.', '_')}="${escapeLabel(text)}"`,
  )
  return `${name}{${labels.join(',')}} ${value}\n`
}

/** In the canonical form of OpenMetrics: `1.0`. */
function border(seconds: number): string {
  if (seconds === Infinity) return '+Inf'
  return Number.isInteger(seconds) ? seconds.toFixed(1) : String(seconds)
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
