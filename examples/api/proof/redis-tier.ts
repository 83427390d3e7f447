import { createClient } from 'redis'
import { Refusal } from './failure.ts'

/** A Redis database that is the example's alone. */
export interface RedisTier {
  readonly url: string
  /** Where it is, for the person who waits. */
  readonly place: string
  close(): Promise<void>
}

/** Redis has 16 databases unless told otherwise, and applications mostly use the first. */
const candidates = Array.from({ length: 16 }, (_, index) => 15 - index)

/**
 * Takes the last of the server's databases that is empty, and empties it again at the end: keys of
 * an earlier run would be answers from other data, and somebody else's keys are not ours to touch.
 *
 * @throws Refusal when the server cannot be reached, or has no empty database
 */
export async function openRedisTier(redisUrl: string): Promise<RedisTier> {
  for (const index of candidates) {
    const url = databaseUrl(redisUrl, index)
    if ((await countKeys(url)) !== 0) continue
    return {
      url: url.href,
      place: `database ${index} of ${url.host} (REDIS_URL), emptied at the end`,
      close: () => onRedis(url, async (client) => void (await client.flushDb())),
    }
  }
  throw new Refusal(
    'REDIS_URL has no empty database for the example: empty one, or unset REDIS_URL to measure one process with memory.',
  )
}

/** Whether the cached builds have a second tier, in a few words. */
export function describeRedisTier(redis: RedisTier | undefined): string {
  return redis?.place ?? 'off (no REDIS_URL), one process with memory is being measured'
}

type RedisClient = ReturnType<typeof createClient>

/** `undefined` where the server has no database of that number. */
async function countKeys(url: URL): Promise<number | undefined> {
  try {
    return await onRedis(url, (client) => client.dbSize())
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (message.includes('DB index is out of range')) return undefined
    throw new Refusal(
      `REDIS_URL cannot be used (${url.host}: ${message || code}): start that server or correct the address, or unset it to measure one process with memory.`,
    )
  }
}

async function onRedis<T>(url: URL, work: (client: RedisClient) => Promise<T>): Promise<T> {
  const client: RedisClient = createClient({
    url: url.href,
    socket: { connectTimeout: 5_000, reconnectStrategy: false },
  })
  // Each command that fails says so itself.
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } finally {
    if (client.isOpen) client.destroy()
  }
}

function databaseUrl(redisUrl: string, index: number): URL {
  const url = URL.parse(redisUrl)
  if (url?.protocol !== 'redis:' && url?.protocol !== 'rediss:') {
    throw new Refusal('REDIS_URL is not a Redis address: write redis://user:password@host:6379.')
  }
  url.pathname = `/${index}`
  return url
}
