import { by, componentAttribute, one, seconds, zeroOrOne, type MetricTable } from './metric.ts'

// What stands at the door: limiter, shedder, compressor.

export interface LimiterFigures {
  readonly allowed: number
  readonly denied: number
  /** Of a limiter in this process. */
  readonly bytes?: number
  readonly evictions?: number
  /** Of one that processes share. */
  readonly asked?: number
  readonly fromLease?: number
  readonly fromDenial?: number
  readonly withoutRedis?: number
  readonly errors?: number
  readonly isReachable?: boolean
  readonly nodes?: number
}

export const limiterMetrics: MetricTable<LimiterFigures> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.limiter.decisions',
      type: 'counter',
      unit: '{decision}',
      help: 'Decisions of the limiter, by verdict.',
      points: ({ allowed, denied }) => by('hotpath.result', { allowed, denied }),
    },
    {
      name: 'hotpath.limiter.size',
      type: 'upDownCounter',
      unit: 'By',
      help: 'Memory of the table of keys.',
      points: ({ bytes }) => one(bytes),
    },
    {
      name: 'hotpath.limiter.evictions',
      type: 'counter',
      unit: '{key}',
      help: 'Keys that were forgotten while they still owed.',
      points: ({ evictions }) => one(evictions),
    },
    {
      name: 'hotpath.limiter.sources',
      type: 'counter',
      unit: '{decision}',
      help: 'Where the decisions of a shared limiter came from.',
      points: ({ asked, fromLease, fromDenial, withoutRedis }) =>
        by('hotpath.limiter.source', {
          redis: asked,
          lease: fromLease,
          denial: fromDenial,
          alone: withoutRedis,
        }),
    },
    {
      name: 'hotpath.limiter.redis.errors',
      type: 'counter',
      unit: '{call}',
      help: 'Calls of Redis that failed or ran out of time.',
      points: ({ errors }) => one(errors),
    },
    {
      name: 'hotpath.limiter.redis.reachable',
      type: 'gauge',
      unit: '{server}',
      help: '1 while Redis answers, 0 while the limiter decides without.',
      points: ({ isReachable }) => one(zeroOrOne(isReachable)),
    },
    {
      name: 'hotpath.limiter.nodes',
      type: 'gauge',
      unit: '{process}',
      help: 'Processes that keep the limit.',
      points: ({ nodes }) => one(nodes),
    },
  ],
}

export interface ShedderFigures {
  readonly inFlight: number
  readonly limit: number
  readonly admitted: Readonly<Record<string, number>>
  readonly refused: Readonly<Record<string, number>>
  readonly ended: Readonly<Record<string, number>>
  readonly latencyMs: number | undefined
  readonly delayMs: number | undefined
}

export const shedderMetrics: MetricTable<ShedderFigures> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.shedder.in_flight',
      type: 'upDownCounter',
      unit: '{request}',
      help: 'Requests that are being served.',
      points: ({ inFlight }) => one(inFlight),
    },
    {
      name: 'hotpath.shedder.limit',
      type: 'upDownCounter',
      unit: '{request}',
      help: 'Requests that may be served at once; moves with the latency.',
      points: ({ limit }) => one(limit),
    },
    {
      name: 'hotpath.shedder.admitted',
      type: 'counter',
      unit: '{request}',
      help: 'Requests that were let in, by priority.',
      points: ({ admitted }) => by('hotpath.priority', admitted),
    },
    {
      name: 'hotpath.shedder.refused',
      type: 'counter',
      unit: '{request}',
      help: 'Requests that were refused, by priority.',
      points: ({ refused }) => by('hotpath.priority', refused),
    },
    {
      name: 'hotpath.shedder.ended',
      type: 'counter',
      unit: '{request}',
      help: 'Requests that came to an end, by outcome.',
      points: ({ ended }) => by('hotpath.outcome', ended),
    },
    {
      name: 'hotpath.shedder.latency',
      type: 'gauge',
      unit: 's',
      help: 'The median latency of the last window in which a request has completed.',
      points: ({ latencyMs }) => one(seconds(latencyMs)),
    },
    {
      name: 'hotpath.shedder.loop_delay',
      type: 'gauge',
      unit: 's',
      help: 'The median lateness of the event loop in the last window.',
      points: ({ delayMs }) => one(seconds(delayMs)),
    },
  ],
}

export interface CompressorFigures {
  readonly byCoding: Readonly<
    Record<
      string,
      { readonly bodies: number; readonly bytesIn: number; readonly bytesOut: number } | undefined
    >
  >
  readonly notSmaller: number
  readonly noRoom: number
  readonly streams: number
  readonly running: number
  readonly waiting: number
}

export const compressorMetrics: MetricTable<CompressorFigures> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.compressor.bodies',
      type: 'counter',
      unit: '{body}',
      help: 'Whole bodies that were compressed, by coding.',
      points: ({ byCoding }) => ofCodings(byCoding, 'bodies'),
    },
    {
      name: 'hotpath.compressor.input',
      type: 'counter',
      unit: 'By',
      help: 'Size of the bodies before compression, by coding.',
      points: ({ byCoding }) => ofCodings(byCoding, 'bytesIn'),
    },
    {
      name: 'hotpath.compressor.output',
      type: 'counter',
      unit: 'By',
      help: 'Size of the bodies after compression, by coding.',
      points: ({ byCoding }) => ofCodings(byCoding, 'bytesOut'),
    },
    {
      name: 'hotpath.compressor.skipped',
      type: 'counter',
      unit: '{body}',
      help: 'Bodies that were sent as they are, by reason.',
      points: ({ notSmaller, noRoom }) =>
        by('hotpath.reason', { not_smaller: notSmaller, no_room: noRoom }),
    },
    {
      name: 'hotpath.compressor.streams',
      type: 'counter',
      unit: '{stream}',
      help: 'Streams that were compressed.',
      points: ({ streams }) => one(streams),
    },
    {
      name: 'hotpath.compressor.running',
      type: 'upDownCounter',
      unit: '{body}',
      help: 'Bodies that are being compressed.',
      points: ({ running }) => one(running),
    },
    {
      name: 'hotpath.compressor.waiting',
      type: 'upDownCounter',
      unit: '{body}',
      help: 'Bodies that wait for a thread.',
      points: ({ waiting }) => one(waiting),
    },
  ],
}

function ofCodings(
  codings: CompressorFigures['byCoding'],
  figure: 'bodies' | 'bytesIn' | 'bytesOut',
) {
  return by(
    'hotpath.coding',
    Object.fromEntries(Object.entries(codings).map(([coding, of]) => [coding, of?.[figure]])),
  )
}
