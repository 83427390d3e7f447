import { createRequire } from 'node:module'
import type * as Ioredis from 'ioredis'

/**
 * Connects by the version that hotpath asks for, the same for everybody who is compared; this
 * workspace has the one that bentocache asks for.
 */
export async function connectIoredis(url: string): Promise<Ioredis.Redis> {
  const requireOfRoot = createRequire(new URL('../../package.json', import.meta.url))
  const { Redis } = requireOfRoot('ioredis') as typeof Ioredis
  // Its default waits for up to five seconds between attempts, however soon Redis is back.
  const redis = new Redis(url, { retryStrategy: () => 250 })
  // What an application would log.
  redis.on('error', () => {})
  await redis.ping()
  return redis
}
