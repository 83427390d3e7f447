import type { Redis } from 'ioredis'

/** A quota as all of the packages know it. */
export interface Quota {
  readonly limit: number
  readonly windowMs: number
}

/** True where a use of the key is let through. */
export type Take = (key: string) => boolean | Promise<boolean>

/** The stores of other packages, as their own middleware asks them; by `ioredis`, which all of them know. */
export type Peer = 'rate-limiter-flexible' | '@fastify/rate-limit' | 'rate-limit-redis'

export const peers: Readonly<Record<Peer, (redis: Redis, quota: Quota) => Promise<Take>>> = {
  'rate-limiter-flexible': async (redis, { limit, windowMs }) => {
    const { RateLimiterRedis, RateLimiterRes } = await import('rate-limiter-flexible')
    const duration = windowMs / 1_000
    const limiter = new RateLimiterRedis({ storeClient: redis, points: limit, duration })
    return (key) =>
      limiter.consume(key).then(
        () => true,
        (refusal: unknown) => {
          if (refusal instanceof RateLimiterRes) return false
          throw refusal
        },
      )
  },
  '@fastify/rate-limit': async (redis, { limit, windowMs }) => {
    const { default: RedisStore } = await import('@fastify/rate-limit/store/RedisStore.js')
    const store = new RedisStore(false, false, redis)
    return (key) =>
      new Promise((resolve, reject) => {
        store.incr(
          key,
          (error, found) => (found === null ? reject(error) : resolve(found.current <= limit)),
          windowMs,
          limit,
        )
      })
  },
  'rate-limit-redis': async (redis, { limit, windowMs }) => {
    const { RedisStore } = await import('rate-limit-redis')
    const store = new RedisStore({
      sendCommand: (command, ...values) => redis.call(command, ...values) as Promise<number[]>,
    })
    await store.init({ windowMs } as Parameters<typeof store.init>[0])
    return async (key) => (await store.increment(key)).totalHits <= limit
  },
}
