import { redisOver } from './redis-commands.ts'
import type { RedisLike, RedisListener, RedisReply, RedisSubscription } from './redis.ts'

/** What hotpath needs of a client of `redis` 6; `createClient()` makes one. */
export interface NodeRedisClient {
  readonly options?: { readonly keyPrefix?: string | Buffer | undefined } | undefined
  sendCommand(
    command: readonly (string | Buffer)[],
    options?: { typeMapping?: StringsAsBuffers },
  ): Promise<unknown>
  duplicate(): NodeRedisSubscriber
}

/** What a reply becomes, by its first byte: `$` bulk, `+` simple and `=` verbatim strings. */
export interface StringsAsBuffers {
  readonly 36: BufferConstructor
  readonly 43: BufferConstructor
  readonly 61: BufferConstructor
}

/** The connection that a subscription has to itself. */
export interface NodeRedisSubscriber {
  on(event: string, listener: (error: Error) => void): unknown
  connect(): Promise<unknown>
  subscribe(
    channel: string,
    listener: (message: Buffer) => void,
    bufferMode: true,
  ): Promise<unknown>
  destroy(): void
}

/**
 * Makes a {@link RedisLike} of a client of `redis` 6, with its connection, options and key prefix.
 * The client stays its maker's: connect it before, listen to its `error` event, and close it after.
 *
 * @example
 * ```ts
 * import { createClient } from 'redis'
 * import { fromNodeRedis } from 'hotpath'
 *
 * const client = createClient({ url: process.env.REDIS_URL })
 * client.on('error', (error) => console.error(error.message))
 * await client.connect()
 * const redis = fromNodeRedis(client)
 * ```
 */
export function fromNodeRedis(client: NodeRedisClient): RedisLike {
  const prefix = client.options?.keyPrefix ?? ''
  return redisOver({
    send: (command) => client.sendCommand(command, asReplies) as Promise<RedisReply>,
    // `sendCommand` sends what it is given; only the client's own methods add the prefix.
    keyOf: (key) =>
      typeof prefix === 'string' ? prefix + key : Buffer.concat([prefix, Buffer.from(key)]),
    subscribe: (channel, listener, { signal } = {}) =>
      subscribe(client.duplicate(), channel, listener, signal),
  })
}

const asReplies = { typeMapping: { 36: Buffer, 43: Buffer, 61: Buffer } }

async function subscribe(
  connection: NodeRedisSubscriber,
  channel: string,
  listener: RedisListener,
  signal: AbortSignal | undefined,
): Promise<RedisSubscription> {
  signal?.throwIfAborted()
  let state: 'opening' | 'standing' | 'lost' | 'closed' = 'opening'
  const lose = () => {
    if (state !== 'standing') return
    state = 'lost'
    listener.lost?.()
  }
  connection.on('error', lose)
  connection.on('reconnecting', lose)
  connection.on('end', lose)
  // The client has subscribed again by the time it says that it is ready.
  connection.on('ready', () => {
    if (state !== 'lost') return
    state = 'standing'
    listener.restored?.()
  })
  const hear = (message: Buffer) => {
    if (state !== 'closed') listener.message(message)
  }
  const close = () => {
    if (state === 'closed') return
    state = 'closed'
    connection.destroy()
  }
  signal?.addEventListener('abort', close, { once: true })
  try {
    await connection.connect()
    await connection.subscribe(channel, hear, true)
    signal?.throwIfAborted()
    state = 'standing'
  } catch (error) {
    close()
    throw error
  }
  return { close: async () => close() }
}
