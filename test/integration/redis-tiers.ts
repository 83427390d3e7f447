import { startRedis, type RedisServer } from '@hotpath/services'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, vi } from 'vitest'
import type { Fresh } from '../../src/cache/memory-tier.ts'
import { RedisTier, type RedisTierOptions } from '../../src/cache/redis-tier.ts'
import {
  createManualClock,
  fromIoredis,
  fromNodeRedis,
  type ManualClock,
  type RedisLike,
} from '../../src/index.ts'

/** A tier that stands for a process: with a clock of its own, and all that it was told. */
export interface TierUnderTest {
  readonly namespace: string
  readonly tier: RedisTier
  readonly clock: ManualClock
  readonly heard: string[]
  readonly troubles: string[]
}

/** A server for one test file, both clients of it, and what opens tiers on them. */
export interface RedisTiers {
  readonly server: RedisServer
  readonly clients: Record<string, RedisLike>
  /** As many tiers as processes that share a namespace, a new one unless it is given. */
  open(count: number, redis: RedisLike, options?: Partial<RedisTierOptions>): TierUnderTest[]
}

export const until = (isSo: () => boolean | Promise<boolean>): Promise<boolean> =>
  vi.waitUntil(isSo, { timeout: 15_000, interval: 2 })

/** A value that was just loaded. */
export function fresh(value: unknown, options: Partial<Fresh> = {}): Fresh {
  const retention = { ttlMs: 60_000, staleMs: 0, staleIfErrorMs: 0, loadMs: 0 }
  return { value, isMissing: value === undefined, tags: undefined, ...retention, ...options }
}

export async function useRedisTiers(): Promise<RedisTiers> {
  const server = await startRedis()
  const nodeClient = createClient({
    url: server.url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: 50 },
  })
  nodeClient.on('error', () => {})
  await nodeClient.connect()
  const ioredisClient = new Redis(server.url, {
    enableOfflineQueue: false,
    lazyConnect: true,
    retryStrategy: () => 50,
  })
  ioredisClient.on('error', () => {})
  await ioredisClient.connect()

  const tiers: RedisTier[] = []
  let namespaces = 0
  afterEach(async () => {
    await server.thaw()
    await Promise.all(tiers.splice(0).map((tier) => tier.close()))
  })
  afterAll(async () => {
    nodeClient.destroy()
    ioredisClient.disconnect()
    await server.close()
  })

  return {
    server,
    clients: { 'node-redis': fromNodeRedis(nodeClient), ioredis: fromIoredis(ioredisClient) },
    open(count, redis, options = {}) {
      const { namespace = `tiers:${++namespaces}` } = options
      return Array.from({ length: count }, () => {
        const clock = createManualClock()
        const heard: string[] = []
        const troubles: string[] = []
        const tier = new RedisTier({
          redis,
          namespace,
          clock,
          timeoutMs: 50,
          onTrouble: (operation) => void troubles.push(operation),
          foreign: {
            written: (keys) => void heard.push(`written ${keys.join(' ')}`),
            invalidated: (tags) => void heard.push(`invalidated ${tags.join(' ')}`),
            expired: (tags) => void heard.push(`expired ${tags.join(' ')}`),
            flush: () => void heard.push('flush'),
          },
          ...options,
        })
        tiers.push(tier)
        return { namespace, tier, clock, heard, troubles }
      })
    },
  }
}
