import { createClient, defineScript } from 'redis'
import type { ResponseCache } from './usual-cache.ts'

// Writes are numbered. A load notes the last number before it reads the database, and its response
// is kept only if nothing that it shows was written under a later one.
const writes = 'usual:writes'

// How long the number of a write is known: longer than any load takes.
const writeMemorySeconds = 60

const keep = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: `
    local json, ttl, before = ARGV[1], ARGV[2], tonumber(ARGV[3])
    for i = 4, #ARGV do
      local written = redis.call('GET', 'usual:written:' .. ARGV[i])
      if written and tonumber(written) > before then return 0 end
    end
    redis.call('SET', KEYS[1], json, 'PX', ttl)
    for i = 4, #ARGV do
      local shown = 'usual:shown:' .. ARGV[i]
      redis.call('SADD', shown, KEYS[1])
      redis.call('PEXPIRE', shown, ttl)
    end
    return 1`,
  parseCommand(
    parser,
    key: string,
    json: string,
    ttlMs: number,
    before: number,
    tags: readonly string[],
  ) {
    parser.pushKey(key)
    parser.push(json, String(ttlMs), String(before), ...tags)
  },
  transformReply: (reply: number) => reply,
})

const remove = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: `
    local tag, seconds = ARGV[1], ARGV[2]
    redis.call('SET', 'usual:written:' .. tag, redis.call('INCR', KEYS[1]), 'EX', seconds)
    local shown = 'usual:shown:' .. tag
    for _, key in ipairs(redis.call('SMEMBERS', shown)) do redis.call('DEL', key) end
    return redis.call('DEL', shown)`,
  parseCommand(parser, tag: string) {
    parser.pushKey(writes)
    parser.push(tag, String(writeMemorySeconds))
  },
  transformReply: (reply: number) => reply,
})

/** Cache-aside in Redis, shared by all processes of the API. */
export async function createRedisCache(
  url: string,
  onError: (error: unknown) => void,
): Promise<ResponseCache> {
  const client = createClient({
    url,
    // A frozen Redis must not hold up the answers: after this long, ask the database.
    commandOptions: { timeout: 250 },
    disableOfflineQueue: true,
    scripts: { keep, remove },
  })
  client.on('error', onError)
  await client.connect()

  return {
    async getOrLoad(key, ttlMs, load) {
      const page = `usual:page:${key}`
      const found = await client.mGet([page, writes]).catch(onError)
      if (found === undefined) return (await load()).json
      const [kept, before] = found
      // An empty text stands for "there is no such thing".
      if (typeof kept === 'string') return kept === '' ? null : kept
      const { json, tags } = await load()
      await client.keep(page, json ?? '', ttlMs, Number(before ?? 0), tags).catch(onError)
      return json
    },
    async invalidate(tag) {
      await client.remove(tag).catch(onError)
    },
    async close() {
      client.destroy()
    },
  }
}
