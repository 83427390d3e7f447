import { createClient, defineScript } from 'redis'
import { redisBeginning } from '../api/redis.ts'
import type { CacheOptions, ResponseCache, Stored } from './usual-cache.ts'

// Writes are numbered. A load notes the last number before it reads the database, and its response
// is kept only if nothing that it shows was written under a later one.
const lastWrite = 'writes'

// How long the number of a write is known: longer than any load takes.
const writeMemorySeconds = 60

/** Keys: the page, then for each tag the number of its last write, then the pages that show each. */
const keep = defineScript({
  SCRIPT: `
    local json, ttl, before = ARGV[1], ARGV[2], tonumber(ARGV[3])
    local tags = (#KEYS - 1) / 2
    for i = 2, tags + 1 do
      local written = redis.call('GET', KEYS[i])
      if written and tonumber(written) > before then return 0 end
    end
    redis.call('SET', KEYS[1], json, 'PX', ttl)
    for i = tags + 2, #KEYS do
      redis.call('SADD', KEYS[i], KEYS[1])
      redis.call('PEXPIRE', KEYS[i], ttl)
    end
    return 1`,
  parseCommand(
    parser,
    page: string,
    json: string,
    ttlMs: number,
    before: number,
    tags: readonly string[],
  ) {
    parser.pushKeysLength([page, ...tags.map(writtenKey), ...tags.map(shownKey)])
    parser.push(json, String(ttlMs), String(before))
  },
  transformReply: (reply: number) => reply,
})

/** Keys: the last write, the number of the tag's last write, the pages that show it. */
const remove = defineScript({
  SCRIPT: `
    redis.call('SET', KEYS[2], redis.call('INCR', KEYS[1]), 'EX', ARGV[1])
    for _, page in ipairs(redis.call('SMEMBERS', KEYS[3])) do redis.call('DEL', page) end
    return redis.call('DEL', KEYS[3])`,
  parseCommand(parser, tag: string) {
    parser.pushKeysLength([lastWrite, writtenKey(tag), shownKey(tag)])
    parser.push(String(writeMemorySeconds))
  },
  transformReply: (reply: number) => reply,
})

/** Cache-aside in Redis, shared by all processes of the API. */
export async function createRedisCache(
  url: string,
  { readDataVersion, onError }: CacheOptions,
): Promise<ResponseCache> {
  const { socket, connect } = redisBeginning()
  const client = createClient({
    url,
    socket,
    keyPrefix: `usual:${await readDataVersion()}:`,
    // A frozen Redis must not hold up the answers: after this long, ask the database.
    commandOptions: { timeout: 250 },
    disableOfflineQueue: true,
    scripts: { keep, remove },
  })
  client.on('error', onError)
  await connect(client)

  const flights = new Map<string, Promise<string | null>>()

  async function fly(page: string, ttlMs: number, before: number, load: () => Promise<Stored>) {
    const { json, tags } = await load()
    await client.keep(page, json ?? '', ttlMs, before, tags).catch(onError)
    return json
  }

  return {
    async getOrLoad(key, ttlMs, load) {
      const page = `page:${key}`
      const found = await client.mGet([page, lastWrite]).catch(onError)
      if (found === undefined) return (await load()).json
      const [kept, before] = found
      // An empty text stands for "there is no such thing".
      if (typeof kept === 'string') return kept === '' ? null : kept
      // Whoever finds the same number may share the load: nothing was written since it began.
      const name = `${before} ${key}`
      let flight = flights.get(name)
      if (flight === undefined) {
        flight = fly(page, ttlMs, Number(before ?? 0), load).finally(() => flights.delete(name))
        flights.set(name, flight)
      }
      return flight
    },
    async invalidate(tag) {
      await client.remove(tag).catch(onError)
    },
    async close() {
      client.destroy()
    },
  }
}

function writtenKey(tag: string): string {
  return `written:${tag}`
}

function shownKey(tag: string): string {
  return `shown:${tag}`
}
