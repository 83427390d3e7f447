import { freePort } from '@hotpath/services'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { fromIoredis } from '../../src/index.ts'
import { redisConformance } from './redis.ts'

for (const protocol of [2, 3] as const) {
  redisConformance(`ioredis, RESP${protocol}`, async (url, keyPrefix = '') => {
    const client = new Redis(url, { protocol, keyPrefix })
    client.on('error', () => {})
    return { redis: fromIoredis(client), close: () => client.disconnect() }
  })
}

test('ioredis: a subscription rejects when the client gives up connecting', async () => {
  const client = new Redis(await freePort(), { lazyConnect: true, retryStrategy: () => null })
  const subscribing = fromIoredis(client).subscribe('channel', { message: () => {} })
  await expect(subscribing).rejects.toThrow('ECONNREFUSED')
})
