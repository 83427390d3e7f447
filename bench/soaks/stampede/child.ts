// A process of a stampede: its callers ask, all at once, for the keys that it is told.
import type { fromNodeRedis } from 'hotpath'
import type { createCache } from 'hotpath/cache'
import { createClient } from 'redis'
import type { Beginning, Order, Report } from './messages.ts'

const beginning = JSON.parse(process.argv[2] ?? '') as Beginning
const core = (await import(beginning.core)) as { fromNodeRedis: typeof fromNodeRedis }
const room = (await import(beginning.cache)) as { createCache: typeof createCache }

const client = createClient({ url: beginning.url })
client.on('error', () => {})
await client.connect()
const cache = room.createCache<string>({
  name: 'stampede',
  namespace: beginning.namespace,
  redis: core.fromNodeRedis(client),
  leaseMs: beginning.leaseMs,
  // More processes than cores, all of them busy: what is on trial is the lease, not the deadline.
  redisTimeoutMs: 5_000,
})
const loading = new Map<string, () => void>()

process.on('message', (order: Order) => {
  if ('ask' in order) void ask(order.ask, order.callers)
  else if ('finish' in order) loading.get(order.finish)?.()
  else void stop()
})
process.on('disconnect', () => process.exit())
report({ kind: 'ready' })

async function ask(key: string, callers: number): Promise<void> {
  const load = async () => {
    report({ kind: 'loading', key })
    await new Promise<void>((resolve) => loading.set(key, resolve))
    loading.delete(key)
    return `${key} from ${process.pid}`
  }
  const asking = Array.from({ length: callers }, () => cache.getOrSet(key, load))
  const answers = await Promise.allSettled(asking)
  const values = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  const failures = callers - values.length
  report({ kind: 'answered', key, values: [...new Set(values)], failures })
}

async function stop(): Promise<void> {
  await cache.close()
  client.destroy()
  process.disconnect()
}

function report(report: Report): void {
  process.send?.(report)
}
