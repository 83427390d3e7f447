import type { FastifyInstance } from 'fastify'
import type { Bench, Contender } from '../kit/bench.ts'
import { serveFastify } from '../kit/cached-route.ts'
import { patienceMs } from '../kit/overload.ts'

const cpuMs = 1
const waitMs = 10

/** The handler: it waits, as for a database, and then works, as on what came back. */
async function work(): Promise<{ ok: true }> {
  await new Promise((resolve) => void setTimeout(resolve, waitMs))
  const untilMs = performance.now() + cpuMs
  while (performance.now() < untilMs);
  return { ok: true }
}

/** The same server for each: `/work` is protected, `/peak`, where the peak is found, is not. */
const contender =
  (protect: (app: FastifyInstance) => Promise<void>): Contender =>
  () =>
    serveFastify(async (app) => {
      app.get('/peak', work)
      await app.register(async (scope) => {
        await protect(scope)
        scope.get('/work', work)
      })
    })

const hotpath = contender(async (app) => {
  const { hotpath } = await import('hotpath/fastify')
  await app.register(hotpath, {
    cache: false,
    shed: {
      priority: ({ headers }) => (headers['priority'] === 'critical' ? 'critical' : 'normal'),
    },
  })
})

/** Its documentation names no figures: a delay at which the answers are not yet too slow. */
const underPressureOptions = { maxEventLoopDelay: 20, sampleInterval: 100 }

const underPressure = contender(async (app) => {
  const { default: plugin } = await import('@fastify/under-pressure')
  await app.register(plugin, { ...underPressureOptions, retryAfter: 1 })
})

const bench: Bench = {
  title: 'a server that is asked for five times what it can serve',
  settings: [
    `Fastify, a handler that waits ${waitMs} ms and then works for ${cpuMs} ms; one in ten requests is critical`,
    'requests fall due at a fixed rate, whether the server keeps up or not; latency from that moment, of the answers by 200',
    `goodput: answers by 200 within ${patienceMs} ms`,
    'peak: 32 requests always under way, on a route of the same server that nothing protects',
    `@fastify/under-pressure: ${JSON.stringify(underPressureOptions)}`,
    'hotpath: its defaults, and the class by a header',
  ],
  peers: ['fastify', '@fastify/under-pressure'],
  services: [],
  rounds: 1,
  processes: 'per-round',
  workloads: {
    overload: {
      kind: 'overload',
      about: 'unloaded (a tenth of the peak), at the peak, and at five times the peak',
      path: '/work',
      peakPath: '/peak',
      criticalHeader: 'priority: critical',
      factor: 5,
    },
  },
  contenders: {
    hotpath,
    '@fastify/under-pressure': underPressure,
    'no shedding': contender(async () => {}),
  },
  baseline: 'hotpath',
  claims: [
    {
      claim: 'at five times the peak, goodput over the peak',
      value: (figures) => figures.median('overload', 'hotpath', 'goodputRatio'),
      atLeast: 0.85,
    },
    {
      claim: 'p99 of what is admitted then, over that of the unloaded server',
      value: (figures) => figures.median('overload', 'hotpath', 'p99Ratio'),
      atMost: 2,
    },
    {
      claim: 'critical requests that are served then',
      value: (figures) => figures.median('overload', 'hotpath', 'criticalServedRatio'),
      atLeast: 0.99,
    },
  ],
}

export default bench
