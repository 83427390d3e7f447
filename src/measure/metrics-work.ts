import type { MeasureStats } from './call-record.ts'
import type { DurationBuckets } from '../core/index.ts'
import { by, componentAttribute, one, seconds, type MetricTable } from './metric.ts'

// What does work: batchers, workers, measured functions.

export interface BatcherFigures {
  readonly calls: number
  readonly batches: number
  readonly failedBatches: number
  readonly waiting: number
  readonly running: number
}

export const batcherMetrics: MetricTable<BatcherFigures> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.batcher.calls',
      type: 'counter',
      unit: '{call}',
      help: 'Calls that were taken into batches.',
      points: ({ calls }) => one(calls),
    },
    {
      name: 'hotpath.batcher.batches',
      type: 'counter',
      unit: '{batch}',
      help: 'Batches that were run.',
      points: ({ batches }) => one(batches),
    },
    {
      name: 'hotpath.batcher.failed_batches',
      type: 'counter',
      unit: '{batch}',
      help: 'Batches that failed as a whole.',
      points: ({ failedBatches }) => one(failedBatches),
    },
    {
      name: 'hotpath.batcher.waiting',
      type: 'upDownCounter',
      unit: '{call}',
      help: 'Calls that wait for their batch to start.',
      points: ({ waiting }) => one(waiting),
    },
    {
      name: 'hotpath.batcher.running',
      type: 'upDownCounter',
      unit: '{batch}',
      help: 'Batches that run.',
      points: ({ running }) => one(running),
    },
  ],
}

export interface WorkersFigures {
  readonly threads: number
  readonly maxThreads: number
  readonly inProgress: number
  readonly completed: number
  readonly failed: number
  readonly timeouts: number
  readonly aborts: number
  readonly refused: number
  readonly threadsLost: number
  readonly waits: DurationBuckets
  readonly runs: DurationBuckets
  readonly utilisationRatio: number
}

export const workersMetrics: MetricTable<WorkersFigures> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.workers.threads',
      type: 'upDownCounter',
      unit: '{thread}',
      help: 'Threads that are alive.',
      points: ({ threads }) => one(threads),
    },
    {
      name: 'hotpath.workers.thread_limit',
      type: 'upDownCounter',
      unit: '{thread}',
      help: 'Threads that may be alive.',
      points: ({ maxThreads }) => one(maxThreads),
    },
    {
      name: 'hotpath.workers.in_progress',
      type: 'upDownCounter',
      unit: '{call}',
      help: 'Calls made and not yet settled.',
      points: ({ inProgress }) => one(inProgress),
    },
    {
      name: 'hotpath.workers.calls',
      type: 'counter',
      unit: '{call}',
      help: 'Calls that came to an end, by outcome.',
      points: ({ completed, failed, timeouts, aborts, refused }) =>
        by('hotpath.outcome', { completed, failed, timeout: timeouts, abort: aborts, refused }),
    },
    {
      name: 'hotpath.workers.threads_lost',
      type: 'counter',
      unit: '{thread}',
      help: 'Threads that were stopped because of a call, or died.',
      points: ({ threadsLost }) => one(threadsLost),
    },
    {
      name: 'hotpath.workers.wait_time',
      type: 'histogram',
      unit: 's',
      help: 'From the call until its function began.',
      points: ({ waits }) => one(waits),
    },
    {
      name: 'hotpath.workers.run_time',
      type: 'histogram',
      unit: 's',
      help: 'How long the functions took.',
      points: ({ runs }) => one(runs),
    },
    {
      name: 'hotpath.workers.utilization',
      type: 'gauge',
      unit: '1',
      help: 'The share of their time that the threads have worked.',
      points: ({ utilisationRatio }) => one(utilisationRatio),
    },
  ],
}

export const functionMetrics: MetricTable<MeasureStats> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.function.duration',
      type: 'histogram',
      unit: 's',
      help: 'How long calls of measured functions took.',
      // A ready histogram can only be handed to OpenTelemetry value by value, and a function may be
      // called a million times between two collections. There, count and time have to do.
      only: 'prometheus',
      points: ({ duration }) => one(duration),
    },
    {
      name: 'hotpath.function.calls',
      type: 'counter',
      unit: '{call}',
      help: 'Calls of measured functions that have ended.',
      only: 'opentelemetry',
      points: ({ calls }) => one(calls),
    },
    {
      name: 'hotpath.function.time',
      type: 'counter',
      unit: 's',
      help: 'Time that calls of measured functions took together.',
      only: 'opentelemetry',
      points: ({ duration }) => one(seconds(duration.sumMs)),
    },
    {
      name: 'hotpath.function.errors',
      type: 'counter',
      unit: '{call}',
      help: 'Calls of measured functions that threw or rejected.',
      points: ({ errors }) => one(errors),
    },
    {
      name: 'hotpath.function.running',
      type: 'upDownCounter',
      unit: '{call}',
      help: 'Async calls and generators that have not ended.',
      points: ({ running }) => one(running),
    },
    {
      name: 'hotpath.function.cpu_time',
      type: 'gauge',
      unit: 's',
      help: 'CPU time of a call on average, by samples; of async calls, that of the thread meanwhile.',
      points: ({ usage }) => one(seconds(usage.meanCpuMs)),
    },
    {
      name: 'hotpath.function.heap_growth',
      type: 'gauge',
      unit: 'By',
      help: 'By how much a call lets the heap grow on average, by samples; likewise.',
      points: ({ usage }) => one(usage.meanHeapBytes),
    },
  ],
}
