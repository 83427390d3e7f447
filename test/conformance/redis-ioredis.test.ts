import { Redis } from 'ioredis'
import { fromIoredis } from '../../src/index.ts'
import { redisConformance } from './redis.ts'

for (const protocol of [2, 3] as const) {
  redisConformance(`ioredis, RESP${protocol}`, async (url, keyPrefix = '') => {
    const client = new Redis(url, { protocol, keyPrefix })
    client.on('error', () => {})
    return { redis: fromIoredis(client), close: () => client.disconnect() }
  })
}
