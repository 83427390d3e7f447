import { setTimeout as delay } from 'node:timers/promises'
import { startRedis, type RedisServer } from '@hotpath/services'
import { quantile } from '../kit/statistics.ts'
import type { Opened } from './contenders.ts'
import { connectIoredis } from './ioredis.ts'
import type { Take } from './peers.ts'

export type Fault = 'kill' | 'freeze'

/** How long decisions take while Redis does not answer, in milliseconds. */
export interface LimitOutage {
  /** The longest of those that were under way, or were asked for, when it went away. */
  readonly firstMs: number
  /** Of those that were asked for a tenth of a second later, or after that. */
  readonly laterP99Ms: number
  /** Decisions that took longer than a second. */
  readonly hung: number
  readonly failed: number
  /** From when Redis answers again until it is told of uses. */
  readonly recoveryMs: number
}

const callers = 20
const keysOfEach = 50
const beforeMs = 400
const outageMs = 2_000
const hungMs = 1_000
const firstSpanMs = 100
const recoveryCapMs = 5_000

interface Call {
  readonly askedMs: number
  readonly tookMs: number
  readonly hasFailed: boolean
}

/** Steady uses of a thousand keys, while a Redis of their own is away for two seconds. */
export async function measureOutage(
  fault: Fault,
  open: (url: string) => Promise<Opened>,
): Promise<LimitOutage> {
  await using server = await startRedis()
  const { take, close } = await open(server.url)
  const calls: Call[] = []
  let isOver = false
  const work = Array.from({ length: callers }, async (_, caller) => {
    for (let use = 0; !isOver; use++) {
      calls.push(await timed(take, `key ${caller} ${use % keysOfEach}`))
      await delay(2)
    }
  })
  await delay(beforeMs)
  const goneMs = performance.now()
  await server[fault]()
  await delay(outageMs)
  await (fault === 'kill' ? server.restart() : server.thaw())
  const untilMs = performance.now()
  const recoveryMs = await recovery(server, take)
  isOver = true
  await Promise.all(work)
  await close()

  const during = calls.filter(
    ({ askedMs, tookMs }) => askedMs + tookMs >= goneMs && askedMs < untilMs,
  )
  const later = during.filter(({ askedMs }) => askedMs > goneMs + firstSpanMs)
  const first = during.filter(({ askedMs }) => askedMs <= goneMs + firstSpanMs)
  const laterMs = Float64Array.from(later, ({ tookMs }) => tookMs).toSorted()
  return {
    firstMs: Math.max(...first.map(({ tookMs }) => tookMs)),
    // Nothing was decided: all still waited for the first answer.
    laterP99Ms: laterMs.length === 0 ? Number.NaN : quantile(laterMs, 0.99),
    hung: during.filter(({ tookMs }) => tookMs > hungMs).length,
    failed: during.filter(({ hasFailed }) => hasFailed).length,
    recoveryMs,
  }
}

async function timed(take: Take, key: string): Promise<Call> {
  const askedMs = performance.now()
  let hasFailed = false
  try {
    await take(key)
  } catch {
    hasFailed = true
  }
  return { askedMs, tookMs: performance.now() - askedMs, hasFailed }
}

const newKeys = 20

/** Keys that nobody has used are used, until Redis has heard of as many. */
async function recovery(server: RedisServer, take: Take): Promise<number> {
  const startMs = performance.now()
  const reader = await connectIoredis(server.url)
  for (let round = 0; ; round++) {
    const before = await reader.dbsize()
    const uses = Array.from({ length: newKeys }, async (_, key) =>
      timed(take, `new ${round} ${key}`),
    )
    await Promise.race([Promise.all(uses), delay(50)])
    const heardOf = (await reader.dbsize()) - before
    const tookMs = performance.now() - startMs
    if (heardOf >= newKeys || tookMs > recoveryCapMs) {
      reader.disconnect()
      return tookMs
    }
    await delay(10)
  }
}
