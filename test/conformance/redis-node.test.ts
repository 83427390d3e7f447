import { createClient } from 'redis'
import { fromNodeRedis } from '../../src/index.ts'
import { redisConformance } from './redis.ts'

for (const RESP of [2, 3] as const) {
  redisConformance(`redis, RESP${RESP}`, async (url, keyPrefix = '') => {
    const client = createClient({ url, RESP, keyPrefix })
    client.on('error', () => {})
    await client.connect()
    return { redis: fromNodeRedis(client), close: () => client.destroy() }
  })
}
