import type { DurationBuckets } from '../core/index.ts'
import { by, one, type MetricTable } from './metric.ts'

export interface PoolFigures {
  readonly connections: number
  readonly maxConnections: number
  readonly opening: number
  readonly idle: number
  readonly busy: number
  readonly lent: number
  readonly inFlight: number
  readonly waiting: number
  readonly queries: number
  readonly errors: number
  readonly waits: DurationBuckets
  readonly acquireTimeouts: number
  readonly leaks: number
  readonly cancels: number
  readonly opened: number
  readonly closed: Readonly<Record<string, number>>
}

/** `db.client.connection.*` are OpenTelemetry's; the rest is what they have no name for. */
export const poolMetrics: MetricTable<PoolFigures> = {
  nameAttribute: 'db.client.connection.pool.name',
  metrics: [
    {
      name: 'db.client.connection.count',
      // `_count` at the end is what Prometheus calls a part of a histogram.
      prometheusName: 'db_client_connections',
      type: 'upDownCounter',
      unit: '{connection}',
      help: 'Connections that stand, by state.',
      points: ({ idle, busy }) => by('db.client.connection.state', { idle, used: busy }),
    },
    {
      name: 'db.client.connection.max',
      type: 'upDownCounter',
      unit: '{connection}',
      help: 'Connections that may stand.',
      points: ({ maxConnections }) => one(maxConnections),
    },
    {
      name: 'db.client.connection.pending_requests',
      type: 'upDownCounter',
      unit: '{request}',
      help: 'Queries and borrowers that wait for a connection.',
      points: ({ waiting }) => one(waiting),
    },
    {
      name: 'db.client.connection.timeouts',
      type: 'counter',
      unit: '{timeout}',
      help: 'Waits for a connection that took too long.',
      points: ({ acquireTimeouts }) => one(acquireTimeouts),
    },
    {
      name: 'db.client.connection.wait_time',
      type: 'histogram',
      unit: 's',
      help: 'How long queries and borrowers have waited for a connection.',
      points: ({ waits }) => one(waits),
    },
    {
      name: 'hotpath.pool.queries',
      type: 'counter',
      unit: '{query}',
      help: 'Queries that have come to an end.',
      points: ({ queries }) => one(queries),
    },
    {
      name: 'hotpath.pool.query_errors',
      type: 'counter',
      unit: '{query}',
      help: 'Queries that failed.',
      points: ({ errors }) => one(errors),
    },
    {
      name: 'hotpath.pool.in_flight',
      type: 'upDownCounter',
      unit: '{query}',
      help: 'Queries that are sent and not answered.',
      points: ({ inFlight }) => one(inFlight),
    },
    {
      name: 'hotpath.pool.lent',
      type: 'upDownCounter',
      unit: '{connection}',
      help: 'Connections that borrowers hold.',
      points: ({ lent }) => one(lent),
    },
    {
      name: 'hotpath.pool.leaks',
      type: 'counter',
      unit: '{connection}',
      help: 'Connections that were held for too long.',
      points: ({ leaks }) => one(leaks),
    },
    {
      name: 'hotpath.pool.cancels',
      type: 'counter',
      unit: '{query}',
      help: 'Queries that the server was asked to cancel.',
      points: ({ cancels }) => one(cancels),
    },
    {
      name: 'hotpath.pool.opened',
      type: 'counter',
      unit: '{connection}',
      help: 'Connections that were opened.',
      points: ({ opened }) => one(opened),
    },
    {
      name: 'hotpath.pool.closed',
      type: 'counter',
      unit: '{connection}',
      help: 'Connections that were closed, by reason.',
      points: ({ closed }) => by('hotpath.reason', closed),
    },
  ],
}
