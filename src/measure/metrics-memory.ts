import { by, componentAttribute, one, zeroOrOne, type MetricTable } from './metric.ts'

// What keeps results and responses: memo, cache, response-cache.

export interface MemoFigures {
  readonly hits: number
  readonly misses: number
  readonly entries: number
  readonly maxEntries: number
  readonly bytes: number
  readonly maxBytes: number | undefined
  readonly evictions: number
}

export const memoMetrics: MetricTable<MemoFigures> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.memo.calls',
      type: 'counter',
      unit: '{call}',
      help: 'Calls of memoised functions, by whether the result was there.',
      points: ({ hits, misses }) => by('hotpath.result', { hit: hits, miss: misses }),
    },
    {
      name: 'hotpath.memo.entries',
      type: 'upDownCounter',
      unit: '{entry}',
      help: 'Results kept.',
      points: ({ entries }) => one(entries),
    },
    {
      name: 'hotpath.memo.entry_limit',
      type: 'upDownCounter',
      unit: '{entry}',
      help: 'Results that may be kept.',
      points: ({ maxEntries }) => one(maxEntries),
    },
    {
      name: 'hotpath.memo.size',
      type: 'upDownCounter',
      unit: 'By',
      help: 'Approximate size of the results kept, where it is bounded.',
      points: ({ bytes, maxBytes }) => one(maxBytes === undefined ? undefined : bytes),
    },
    {
      name: 'hotpath.memo.evictions',
      type: 'counter',
      unit: '{entry}',
      help: 'Results that had to make room for others.',
      points: ({ evictions }) => one(evictions),
    },
  ],
}

export interface CacheFigures {
  readonly hits: number
  readonly misses: number
  readonly stale: number
  readonly loads: number
  readonly loadErrors: number
  readonly refreshes: number
  readonly sharedLoads: number
  readonly timeouts: number
  readonly entries: number
  readonly maxEntries: number
  readonly evictions: number
  readonly memory:
    | { readonly hits: number; readonly bytes: number; readonly maxBytes: number | undefined }
    | undefined
  readonly redis:
    | {
        readonly hits: number
        readonly writes: number
        readonly droppedWrites: number
        readonly errors: number
        readonly circuit: 'closed' | 'open'
        readonly owed: number
      }
    | undefined
}

export const cacheMetrics: MetricTable<CacheFigures> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.cache.reads',
      type: 'counter',
      unit: '{read}',
      help: 'Reads of the cache, by whether a tier had the value; stale values are hits.',
      points: ({ hits, misses }) => by('hotpath.result', { hit: hits, miss: misses }),
    },
    {
      name: 'hotpath.cache.tier.hits',
      type: 'counter',
      unit: '{read}',
      help: 'Hits, by the tier that answered.',
      points: ({ memory, redis }) =>
        by('hotpath.cache.tier', { memory: memory?.hits, redis: redis?.hits }),
    },
    {
      name: 'hotpath.cache.stale_hits',
      type: 'counter',
      unit: '{read}',
      help: 'Hits on values past their TTL.',
      points: ({ stale }) => one(stale),
    },
    {
      name: 'hotpath.cache.loads',
      type: 'counter',
      unit: '{load}',
      help: 'Loaders that ran.',
      points: ({ loads }) => one(loads),
    },
    {
      name: 'hotpath.cache.load_errors',
      type: 'counter',
      unit: '{load}',
      help: 'Loaders that failed.',
      points: ({ loadErrors }) => one(loadErrors),
    },
    {
      name: 'hotpath.cache.refreshes',
      type: 'counter',
      unit: '{load}',
      help: 'Loads in the background, while a value that was there was served.',
      points: ({ refreshes }) => one(refreshes),
    },
    {
      name: 'hotpath.cache.shared_loads',
      type: 'counter',
      unit: '{load}',
      help: 'Loads that another process did for this one.',
      points: ({ sharedLoads }) => one(sharedLoads),
    },
    {
      name: 'hotpath.cache.timeouts',
      type: 'counter',
      unit: '{read}',
      help: 'Waits for a load that a time limit ended.',
      points: ({ timeouts }) => one(timeouts),
    },
    {
      name: 'hotpath.cache.entries',
      type: 'upDownCounter',
      unit: '{entry}',
      help: 'Entries in memory.',
      points: ({ entries }) => one(entries),
    },
    {
      name: 'hotpath.cache.entry_limit',
      type: 'upDownCounter',
      unit: '{entry}',
      help: 'Entries that may be in memory.',
      points: ({ maxEntries }) => one(maxEntries),
    },
    {
      name: 'hotpath.cache.size',
      type: 'upDownCounter',
      unit: 'By',
      help: 'Size of the entries in memory, where it is bounded.',
      points: ({ memory }) => one(memory?.maxBytes === undefined ? undefined : memory.bytes),
    },
    {
      name: 'hotpath.cache.evictions',
      type: 'counter',
      unit: '{entry}',
      help: 'Entries that had to make room for others.',
      points: ({ evictions }) => one(evictions),
    },
    {
      name: 'hotpath.cache.redis.writes',
      type: 'counter',
      unit: '{write}',
      help: 'Values handed to Redis.',
      points: ({ redis }) => one(redis?.writes),
    },
    {
      name: 'hotpath.cache.redis.dropped_writes',
      type: 'counter',
      unit: '{write}',
      help: 'Values not written to Redis: it was busy, out of order, or had been overtaken.',
      points: ({ redis }) => one(redis?.droppedWrites),
    },
    {
      name: 'hotpath.cache.redis.errors',
      type: 'counter',
      unit: '{call}',
      help: 'Calls of Redis that failed or ran out of time.',
      points: ({ redis }) => one(redis?.errors),
    },
    {
      name: 'hotpath.cache.redis.open_circuits',
      type: 'upDownCounter',
      unit: '{circuit}',
      help: '1 while Redis is out of order: it is probed, and not waited for.',
      points: ({ redis }) => one(zeroOrOne(redis && redis.circuit === 'open')),
    },
    {
      name: 'hotpath.cache.redis.owed',
      type: 'upDownCounter',
      unit: '{invalidation}',
      help: 'Deletions and invalidations that Redis has not confirmed yet.',
      points: ({ redis }) => one(redis?.owed),
    },
  ],
}

export interface ResponseCacheFigures {
  readonly hits: number
  readonly misses: number
  readonly collapsed: number
  readonly bypasses: number
  readonly notModified: number
  readonly stored: number
}

export const responseCacheMetrics: MetricTable<ResponseCacheFigures> = {
  nameAttribute: componentAttribute,
  metrics: [
    {
      name: 'hotpath.response_cache.requests',
      type: 'counter',
      unit: '{request}',
      help: 'Requests to cached routes, by what became of them.',
      points: ({ hits, misses, bypasses }) =>
        by('hotpath.result', { hit: hits, miss: misses, bypass: bypasses }),
    },
    {
      name: 'hotpath.response_cache.collapsed',
      type: 'counter',
      unit: '{request}',
      help: "Misses that were answered with another request's response.",
      points: ({ collapsed }) => one(collapsed),
    },
    {
      name: 'hotpath.response_cache.not_modified',
      type: 'counter',
      unit: '{request}',
      help: 'Hits that were answered with 304.',
      points: ({ notModified }) => one(notModified),
    },
    {
      name: 'hotpath.response_cache.stored',
      type: 'counter',
      unit: '{response}',
      help: 'Responses that were kept.',
      points: ({ stored }) => one(stored),
    },
  ],
}
