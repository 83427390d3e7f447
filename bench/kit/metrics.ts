import type { Workload } from './bench.ts'

/** How a metric is printed. */
export interface Metric {
  readonly name: string
  readonly heading: string
  readonly digits: number
  /** Whether the borders of the middle half stand beside the median. */
  readonly withQuartiles?: boolean
}

const perOperation: readonly [Metric, ...Metric[]] = [
  { name: 'cpuNsPerOperation', heading: 'CPU ns/op', digits: 2, withQuartiles: true },
  { name: 'nsPerOperation', heading: 'ns/op', digits: 2, withQuartiles: true },
]

/** What each kind of workload is measured by; the first is the one that ratios are taken of. */
export const metricsOf: Readonly<
  Record<Exclude<Workload['kind'], 'outage'>, readonly [Metric, ...Metric[]]>
> = {
  operations: perOperation,
  awaited: perOperation,
  callers: [
    { name: 'perSecond', heading: 'calls/s', digits: 0, withQuartiles: true },
    { name: 'cpuMicrosPerCall', heading: 'CPU µs/call', digits: 1, withQuartiles: true },
    { name: 'p50Ms', heading: 'p50 ms', digits: 2 },
    { name: 'p99Ms', heading: 'p99 ms', digits: 2 },
    { name: 'peakRssMb', heading: 'RSS MB', digits: 0 },
  ],
  http: [
    { name: 'requestsPerSecond', heading: 'requests/s', digits: 0, withQuartiles: true },
    { name: 'cpuMicrosPerRequest', heading: 'CPU µs/request', digits: 1, withQuartiles: true },
    { name: 'p50Ms', heading: 'p50 ms', digits: 2 },
    { name: 'p99Ms', heading: 'p99 ms', digits: 2 },
    { name: 'busyRatio', heading: 'busy', digits: 2 },
    { name: 'peakRssMb', heading: 'RSS MB', digits: 0 },
  ],
}
