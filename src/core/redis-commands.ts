import type { RedisLike, RedisReply } from './redis.ts'

/** What a client must be able to do, for {@link redisOver} to make the rest of it. */
export interface RedisWire {
  /** Sends a command as it stands; strings in the reply come back as Buffers. */
  send(command: readonly (string | Buffer)[]): Promise<RedisReply>
  /** The key as the server is to see it: where the client has a key prefix, with it. */
  keyOf(key: string): string | Buffer
  subscribe: RedisLike['subscribe']
}

/** The commands of {@link RedisLike}, the same for every client. */
export function redisOver({ send, keyOf, subscribe }: RedisWire): RedisLike {
  return {
    async get(key) {
      return (await send(['GET', keyOf(key)])) as Buffer | null
    },
    async getMany(keys) {
      if (keys.length === 0) return []
      return (await send(['MGET', ...keys.map(keyOf)])) as (Buffer | null)[]
    },
    async set(key, value, { ttlMs, ifAbsent = false } = {}) {
      const command = ['SET', keyOf(key), value]
      if (ttlMs !== undefined) command.push('PX', String(ttlMs))
      if (ifAbsent) command.push('NX')
      return (await send(command)) !== null
    },
    async delete(keys) {
      if (keys.length === 0) return 0
      return (await send(['DEL', ...keys.map(keyOf)])) as number
    },
    async runScript(script, keys, values) {
      const rest = [
        String(keys.length),
        ...keys.map(keyOf),
        ...values.map((value) => (typeof value === 'number' ? String(value) : value)),
      ]
      try {
        return await send(['EVALSHA', script.sha1, ...rest])
      } catch (error) {
        if (!isUnknownScript(error)) throw error
        return await send(['EVAL', script.text, ...rest])
      }
    },
    async publish(channel, message) {
      return (await send(['PUBLISH', channel, message])) as number
    },
    subscribe,
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
