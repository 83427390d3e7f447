import type { RedisLike } from 'hotpath'
import { connectIoredis } from './ioredis.ts'
import { peers, type Peer, type Quota, type Take } from './peers.ts'

export interface Opened {
  readonly take: Take
  readonly close: () => Promise<unknown>
}

/** Opens a limiter on a connection of its own. */
export type Open = (url: string, quota: Quota) => Promise<Opened>

export const contenders = {
  'rate-limiter-flexible, ioredis': openPeer('rate-limiter-flexible'),
  'hotpath, ioredis': async (url, quota) => {
    const { fromIoredis } = await import('hotpath')
    const redis = await connectIoredis(url)
    return openHotpath(fromIoredis(redis), quota, () => redis.disconnect())
  },
  'hotpath, node-redis': async (url, quota) => {
    const { fromNodeRedis } = await import('hotpath')
    const { createClient } = await import('redis')
    const redis = await createClient({ url }).connect()
    return openHotpath(fromNodeRedis(redis), quota, () => redis.destroy())
  },
  '@fastify/rate-limit, ioredis': openPeer('@fastify/rate-limit'),
  'rate-limit-redis, ioredis': openPeer('rate-limit-redis'),
} satisfies Record<string, Open>

function openPeer(name: Peer): Open {
  return async (url, quota) => {
    const redis = await connectIoredis(url)
    return { take: await peers[name](redis, quota), close: async () => redis.disconnect() }
  }
}

async function openHotpath(
  redis: RedisLike,
  quota: Quota,
  disconnect: () => void,
): Promise<Opened> {
  const { createLimiter } = await import('hotpath/limit')
  const limiter = createLimiter(quota, { redis, redisTimeoutMs: 10_000, maxKeys: 1_000 })
  return {
    take: (key) => {
      const decision = limiter.take(key)
      return decision instanceof Promise
        ? decision.then(({ isAllowed }) => isAllowed)
        : decision.isAllowed
    },
    close: async () => {
      await limiter.close()
      disconnect()
      const { withoutRedis } = limiter.stats()
      if (withoutRedis > 0) throw new Error(`${withoutRedis} decisions were made without Redis`)
    },
  }
}
