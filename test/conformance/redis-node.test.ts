import { freePort } from '@hotpath/services'
import { createClient } from 'redis'
import { expect, test } from 'vitest'
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

test('redis: a subscription rejects when the client gives up connecting', async () => {
  const port = await freePort()
  const client = createClient({ socket: { port, reconnectStrategy: false } })
  const subscribing = fromNodeRedis(client).subscribe('channel', { message: () => {} })
  await expect(subscribing).rejects.toThrow('ECONNREFUSED')
})
