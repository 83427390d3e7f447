import type { Bench } from '../kit/bench.ts'
import { createUsers, route, settings, watchedBy } from '../measure/one-query.ts'

const bench: Bench = {
  title: 'what it costs to see the queries of a request',
  settings: [
    ...settings,
    'event: a listener on hotpath:postgres:query, which gets the text and the duration, and no call site',
    'trace: maxTraceEntries of the plugin, which keeps the two call sites and the rows of each query',
    'trace and warning: warnRepeatedQueries, which reads the traces of requests with at least four queries',
  ],
  peers: ['fastify', 'pg'],
  services: ['postgres'],
  rounds: 5,
  processes: 'per-run',
  prepare: createUsers,
  workloads: {
    user: route('one query', '/user', 400),
    users: route('ten queries, one after the other', '/users', 400),
  },
  contenders: {
    'nobody looks': watchedBy(async (app) => {
      const { hotpath } = await import('hotpath/fastify')
      await app.register(hotpath, { cache: false })
    }),
    'event, no call site': watchedBy(async (app) => {
      const { hotpath } = await import('hotpath/fastify')
      const { listen } = await import('hotpath')
      let totalMs = 0
      const stop = listen('hotpath:postgres:query', ({ durationMs }) => (totalMs += durationMs))
      app.addHook('onClose', stop)
      await app.register(hotpath, { cache: false })
    }),
    'trace with call sites': watchedBy(async (app) => {
      const { hotpath } = await import('hotpath/fastify')
      await app.register(hotpath, { cache: false, maxTraceEntries: 1_000 })
    }),
    'trace and warning': watchedBy(async (app) => {
      const { hotpath } = await import('hotpath/fastify')
      await app.register(hotpath, { cache: false, warnRepeatedQueries: true })
    }),
  },
  baseline: 'nobody looks',
  claims: [],
}

export default bench
