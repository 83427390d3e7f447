import { by, componentAttribute, one, type MetricTable } from './metric.ts'

export interface TasksFigures {
  readonly enqueued: number
  readonly running: number
  readonly completed: number
  readonly retried: number
  readonly failed: number
  readonly fenced: number
  readonly handedBack: number
  readonly abandoned: number
  readonly troubles: number
}

export const tasksMetrics: MetricTable<TasksFigures> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.tasks.enqueued',
      type: 'counter',
      unit: '{task}',
      help: 'Tasks that this process has enqueued.',
      points: ({ enqueued }) => one(enqueued),
    },
    {
      name: 'hotpath.tasks.running',
      type: 'upDownCounter',
      unit: '{attempt}',
      help: 'Attempts that run in this process.',
      points: ({ running }) => one(running),
    },
    {
      name: 'hotpath.tasks.attempts',
      type: 'counter',
      unit: '{attempt}',
      help: 'Attempts that came to an end in this process, by outcome.',
      points: ({ completed, retried, failed, fenced, handedBack }) =>
        by('hotpath.outcome', { completed, retried, failed, fenced, handed_back: handedBack }),
    },
    {
      name: 'hotpath.tasks.abandoned',
      type: 'upDownCounter',
      unit: '{attempt}',
      help: 'Handlers that go on although their attempt has ended.',
      points: ({ abandoned }) => one(abandoned),
    },
    {
      name: 'hotpath.tasks.troubles',
      type: 'counter',
      unit: '{trouble}',
      help: 'What went wrong in the background.',
      points: ({ troubles }) => one(troubles),
    },
  ],
}

export interface UploadsFigures {
  readonly receiving: number
  readonly received: number
  readonly receivedBytes: number
  readonly failed: number
  readonly swept: number
  readonly leftOver: number
}

export const uploadsMetrics: MetricTable<UploadsFigures> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.uploads.receiving',
      type: 'upDownCounter',
      unit: '{upload}',
      help: 'Uploads that are being received.',
      points: ({ receiving }) => one(receiving),
    },
    {
      name: 'hotpath.uploads.received',
      type: 'counter',
      unit: '{upload}',
      help: 'Uploads that came to an end, by whether they were kept.',
      points: ({ received, failed }) => by('hotpath.outcome', { kept: received, failed }),
    },
    {
      name: 'hotpath.uploads.size',
      type: 'counter',
      unit: 'By',
      help: 'Size of the uploads that were kept.',
      points: ({ receivedBytes }) => one(receivedBytes),
    },
    {
      name: 'hotpath.uploads.swept',
      type: 'counter',
      unit: '{upload}',
      help: 'Leavings of other processes that were removed.',
      points: ({ swept }) => one(swept),
    },
    {
      name: 'hotpath.uploads.leftover',
      type: 'counter',
      unit: '{upload}',
      help: 'Failed uploads that the storage could not remove.',
      points: ({ leftOver }) => one(leftOver),
    },
  ],
}
