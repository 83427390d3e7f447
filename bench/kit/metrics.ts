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
  overload: [
    { name: 'goodputRatio', heading: 'goodput/peak', digits: 2 },
    { name: 'peakPerSecond', heading: 'peak/s', digits: 0 },
    { name: 'unloadedP99Ms', heading: 'unloaded p99 ms', digits: 1 },
    { name: 'atPeakPerSecond', heading: 'at 1×: good/s', digits: 0 },
    { name: 'atPeakP99Ms', heading: 'p99 ms', digits: 1 },
    { name: 'goodPerSecond', heading: 'at 5×: good/s', digits: 0 },
    { name: 'p50Ms', heading: 'p50 ms', digits: 1 },
    { name: 'p99Ms', heading: 'p99 ms', digits: 1 },
    { name: 'criticalServedRatio', heading: 'critical served', digits: 3 },
    { name: 'unansweredRatio', heading: 'unanswered', digits: 3 },
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
