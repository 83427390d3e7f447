import {
  by,
  componentAttribute,
  one,
  seconds,
  type MetricTable,
  type NumberMetric,
} from './metric.ts'
import type { LoopDelay } from './loop-watch.ts'
import type { RuntimeStats } from './runtime-monitor.ts'

const hourSeconds = 3_600

/** `nodejs.*`, `v8js.*` and `process.*` are OpenTelemetry's; the rest is what they have no name for. */
export const runtimeMetrics: MetricTable<RuntimeStats> = {
  nameAttribute: componentAttribute,
  metrics: [
    delay('min', 'The least delay of the event loop.', 'minMs'),
    delay('max', 'The greatest delay of the event loop.', 'maxMs'),
    delay('mean', 'The mean delay of the event loop.', 'meanMs'),
    delay('stddev', 'The standard deviation of the delay of the event loop.', 'stddevMs'),
    delay('p50', 'The median delay of the event loop.', 'p50Ms'),
    delay('p90', 'The 90th percentile of the delay of the event loop.', 'p90Ms'),
    delay('p99', 'The 99th percentile of the delay of the event loop.', 'p99Ms'),
    {
      name: 'nodejs.eventloop.utilization',
      type: 'gauge',
      unit: '1',
      help: 'The share of the last interval that the event loop worked.',
      points: ({ loop }) => one(loop.utilization),
    },
    {
      name: 'nodejs.eventloop.time',
      type: 'counter',
      unit: 's',
      help: 'Time of the event loop, by whether it worked or waited.',
      points: ({ loop }) =>
        by('nodejs.eventloop.state', {
          active: seconds(loop.activeMs),
          idle: seconds(loop.idleMs),
        }),
    },
    {
      name: 'v8js.gc.duration',
      type: 'histogram',
      unit: 's',
      help: 'How long garbage collections took, by kind.',
      points: ({ gc }) => by('v8js.gc.type', gc),
    },
    {
      name: 'v8js.memory.heap.used',
      type: 'upDownCounter',
      unit: 'By',
      help: 'Used heap, by space.',
      points: ({ heap }) => by('v8js.heap.space.name', heap.usedBytesBySpace),
    },
    {
      name: 'v8js.resource.active',
      type: 'upDownCounter',
      unit: '{resource}',
      help: 'What keeps the event loop alive, by type.',
      points: ({ resourcesByType }) => by('v8js.resource.type', resourcesByType),
    },
    {
      name: 'hotpath.heap.committed',
      type: 'upDownCounter',
      unit: 'By',
      help: 'Heap that V8 has from the operating system.',
      points: ({ heap }) => one(heap.committedBytes),
    },
    {
      name: 'hotpath.heap.limit',
      type: 'upDownCounter',
      unit: 'By',
      help: 'Heap at which V8 gives up.',
      points: ({ heap }) => one(heap.limitBytes),
    },
    {
      name: 'hotpath.heap.after_gc',
      type: 'upDownCounter',
      unit: 'By',
      help: 'Used heap after the last major collection.',
      points: ({ heap }) => one(heap.afterGcBytes),
    },
    {
      name: 'hotpath.heap.growth',
      type: 'gauge',
      unit: 'By/s',
      help: 'The slope of the heap after major collections; absent without enough of them.',
      points: ({ heap }) => one(perSecond(heap.trend.bytesPerHour)),
    },
    {
      name: 'hotpath.heap.growth_low',
      type: 'gauge',
      unit: 'By/s',
      help: 'The low end of the 95 % interval of the slope: above 0, the heap grows.',
      points: ({ heap }) => one(perSecond(heap.trend.lowBytesPerHour)),
    },
    {
      name: 'process.memory.usage',
      type: 'upDownCounter',
      unit: 'By',
      help: 'Resident memory of the process.',
      points: ({ rssBytes }) => one(rssBytes),
    },
    {
      name: 'process.cpu.time',
      type: 'counter',
      unit: 's',
      help: 'CPU time of the process, by mode.',
      points: ({ cpuUserMs, cpuSystemMs }) =>
        by('cpu.mode', { user: seconds(cpuUserMs), system: seconds(cpuSystemMs) }),
    },
    {
      name: 'process.thread.count',
      prometheusName: 'process_threads',
      type: 'upDownCounter',
      unit: '{thread}',
      help: 'Threads of the process.',
      points: ({ threads }) => one(threads),
    },
  ],
}

function delay(part: string, help: string, field: keyof LoopDelay): NumberMetric<RuntimeStats> {
  return {
    name: `nodejs.eventloop.delay.${part}`,
    type: 'gauge',
    unit: 's',
    help: `${help.slice(0, -1)} in the last interval.`,
    points: ({ loop }) => one(seconds(loop.delay[field])),
  }
}

function perSecond(perHour: number | undefined): number | undefined {
  return perHour === undefined ? undefined : perHour / hourSeconds
}
