import { PgBoss } from 'pg-boss'
import { expectTheSame } from './on-both.ts'

const ids = new Map<PgBoss, string[]>()
const idOf = (boss: PgBoss, at: number): string => ids.get(boss)?.[at] ?? ''

async function fetched(boss: PgBoss): Promise<string> {
  const [job] = await boss.fetch('mail')
  return job?.id ?? ''
}

await expectTheSame<PgBoss>(
  async (pool) => {
    const boss = new PgBoss({
      db: { executeSql: (text, values) => pool.query(text, values) },
      supervise: false,
      schedule: false,
    })
    boss.on('error', () => {})
    return boss
  },
  {
    'is it installed': (boss) => boss.isInstalled(),
    start: async (boss) => void (await boss.start()),
    'is it installed now': (boss) => boss.isInstalled(),
    'schema version': (boss) => boss.schemaVersion(),
    'create a queue': (boss) => boss.createQueue('mail', { retryLimit: 2 }),
    'create a queue with a policy': (boss) => boss.createQueue('single', { policy: 'short' }),
    'create the same queue again': (boss) => boss.createQueue('mail'),
    'update a queue': (boss) => boss.updateQueue('mail', { retryLimit: 3 }),
    'get a queue': (boss) => boss.getQueue('mail'),
    'get all queues': (boss) => boss.getQueues(),
    send: async (boss) => {
      const id = (await boss.send('mail', { to: 'a' })) ?? ''
      ids.set(boss, [id])
      return id
    },
    'send to no queue': (boss) => boss.send('nowhere', {}),
    'send with a priority': (boss) => boss.send('mail', { to: 'first' }, { priority: 10 }),
    'send later': (boss) => boss.sendAfter('mail', { to: 'later' }, null, 3_600),
    'send once, twice': async (boss) => [
      await boss.send('mail', { to: 'once' }, { singletonKey: 'k', singletonSeconds: 60 }),
      await boss.send('mail', { to: 'once' }, { singletonKey: 'k', singletonSeconds: 60 }),
    ],
    'send throttled': (boss) => boss.sendThrottled('mail', { to: 't' }, null, 60, 'throttle'),
    'send debounced': (boss) => boss.sendDebounced('mail', { to: 'd' }, null, 60, 'debounce'),
    'insert many': async (boss) => {
      const jobs = Array.from({ length: 10 }, (_, n) => ({ data: { n } }))
      return (await boss.insert('single', jobs))?.length
    },
    'get a job': (boss) => boss.getJobById('mail', idOf(boss, 0)),
    'get no job': (boss) => boss.getJobById('mail', '00000000-0000-0000-0000-000000000000'),
    'find jobs': async (boss) => (await boss.findJobs('mail')).length,
    'fetch and complete': async (boss) => {
      const id = await fetched(boss)
      return boss.complete('mail', id, { done: true })
    },
    'fetch and fail': async (boss) => boss.fail('mail', await fetched(boss), { why: 'no' }),
    'fetch several': async (boss) =>
      (await boss.fetch<{ n: number }>('single', { batchSize: 3 })).map(({ data }) => data.n),
    'fetch nothing': (boss) =>
      boss.fetch('single', { batchSize: 3, priority: true }).then((jobs) => jobs.length),
    cancel: (boss) => boss.cancel('mail', idOf(boss, 0)),
    resume: (boss) => boss.resume('mail', idOf(boss, 0)),
    retry: (boss) => boss.retry('mail', idOf(boss, 0)),
    'delete a job': (boss) => boss.deleteJob('mail', idOf(boss, 0)),
    subscribe: (boss) => boss.subscribe('signed-up', 'mail'),
    publish: (boss) => boss.publish('signed-up', { to: 'new' }),
    unsubscribe: (boss) => boss.unsubscribe('signed-up', 'mail'),
    schedule: (boss) => boss.schedule('mail', '0 3 * * *', { nightly: true }),
    'get schedules': (boss) => boss.getSchedules(),
    unschedule: (boss) => boss.unschedule('mail'),
    'queue statistics': async (boss) => (await boss.getQueueStats('mail')).length,
    work: (boss) =>
      new Promise((resolve, reject) => {
        boss
          .work('mail', { pollingIntervalSeconds: 0.5 }, async (jobs) => {
            resolve(jobs.length)
          })
          .catch(reject)
      }),
    'stop working': (boss) => boss.offWork('mail'),
    'delete queued jobs': async (boss) => void (await boss.deleteQueuedJobs('single')),
    'delete a queue': (boss) => boss.deleteQueue('single'),
    stop: (boss) => boss.stop({ graceful: false }),
  },
  withoutChance,
)

// Ids and times are new in each run.
function withoutChance(result: unknown): unknown {
  const text = JSON.stringify(result, (_, value: unknown) =>
    typeof value === 'string'
      ? value
          .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'id')
          .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time')
      : value,
  )
  return text === undefined ? undefined : JSON.parse(text)
}
