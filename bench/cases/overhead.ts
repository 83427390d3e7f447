import type { Bench } from '../kit/bench.ts'
import { createUsers, route, settings, watchedBy } from '../measure/one-query.ts'

const unwatched = 'Fastify'
const all = 'budgets and runtime monitor'

const bench: Bench = {
  title: 'what it costs to watch a route that asks PostgreSQL once',
  settings: [
    ...settings,
    'Fastify: without any plugin; the others with the plugin of hotpath, in whose request context the handler runs',
    'ratios are of the two in the same round, which come one after the other',
  ],
  peers: ['fastify', 'pg'],
  services: ['postgres'],
  rounds: 13,
  processes: 'per-run',
  prepare: createUsers,
  workloads: { user: route('one user by id', '/user', 600) },
  contenders: {
    [unwatched]: watchedBy(),
    budgets: watchedBy(async (app) => {
      const { hotpath } = await import('hotpath/fastify')
      await app.register(hotpath, { cache: false, budgets: true })
    }),
    [all]: watchedBy(async (app) => {
      const { hotpath } = await import('hotpath/fastify')
      const { createRuntimeMonitor } = await import('hotpath/measure')
      const monitor = createRuntimeMonitor()
      app.addHook('onClose', () => monitor.close())
      await app.register(hotpath, { cache: false, budgets: true })
    }),
  },
  baseline: unwatched,
  claims: [
    {
      claim: `${all} use at most 1.03 times the CPU time of ${unwatched} for each request`,
      value: (figures) => figures.ratio('user', all, unwatched, 'cpuMicrosPerRequest'),
      atMost: 1.03,
    },
  ],
}

export default bench
