import { redisOver } from './redis-commands.ts'
import type { RedisLike, RedisListener, RedisReply, RedisSubscription } from './redis.ts'

/** What hotpath needs of a client of `ioredis` 6; `new Redis()` makes one. */
export interface IoredisClient {
  callBuffer(command: string, ...values: (string | Buffer)[]): Promise<unknown>
  duplicate(override: {
    lazyConnect: boolean
    autoResubscribe: boolean
    enableOfflineQueue: boolean
  }): IoredisSubscriber
}

/** The connection that a subscription has to itself. */
export interface IoredisSubscriber {
  on(event: 'messageBuffer', listener: (channel: Buffer, message: Buffer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'ready' | 'close' | 'end', listener: () => void): unknown
  connect(): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  disconnect(): void
}

/**
 * Makes a {@link RedisLike} of a client of `ioredis` 6, with its connection, options and key
 * prefix. The client stays its maker's: listen to its `error` event, and close it after.
 *
 * @example
 * ```ts
 * import { Redis } from 'ioredis'
 * import { fromIoredis } from 'hotpath'
 *
 * const client = new Redis(process.env.REDIS_URL)
 * client.on('error', (error) => console.error(error.message))
 * const redis = fromIoredis(client)
 * ```
 */
export function fromIoredis(client: IoredisClient): RedisLike {
  return redisOver({
    send: ([name, ...values]) => client.callBuffer(String(name), ...values) as Promise<RedisReply>,
    keyOf: (key) => key,
    subscribe: (channel, listener, { signal } = {}) => {
      const connection = client.duplicate({
        lazyConnect: true,
        enableOfflineQueue: true,
        // The client would say that it is ready before it has subscribed again, and a message
        // sent in between would be missed by a listener that believes to be restored.
        autoResubscribe: false,
      })
      return subscribe(connection, channel, listener, signal)
    },
  })
}

async function subscribe(
  connection: IoredisSubscriber,
  channel: string,
  listener: RedisListener,
  signal: AbortSignal | undefined,
): Promise<RedisSubscription> {
  signal?.throwIfAborted()
  let state: 'opening' | 'standing' | 'lost' | 'closed' = 'opening'
  let lastError: unknown
  const opened = Promise.withResolvers<void>()

  connection.on('messageBuffer', (_, message) => {
    if (state !== 'closed') listener.message(message)
  })
  connection.on('error', (error) => (lastError = error))
  connection.on('ready', () => {
    connection.subscribe(channel).then(stand, fail)
  })
  connection.on('close', () => {
    if (state !== 'standing') return
    state = 'lost'
    listener.lost?.()
  })
  connection.on('end', () => opened.reject(lastError ?? new Error('Connection is closed.')))

  const stand = () => {
    if (state === 'closed') return
    const isBack = state === 'lost'
    state = 'standing'
    opened.resolve()
    if (isBack) listener.restored?.()
  }
  const fail = (error: Error) => {
    lastError = error
    // The server refuses. Otherwise the connection was lost again, and the next `ready` is the
    // next attempt.
    if (error.name === 'ReplyError') opened.reject(error)
  }
  const close = () => {
    state = 'closed'
    connection.disconnect()
  }
  signal?.addEventListener('abort', close, { once: true })
  // It rejects at the first failure, and the client goes on trying.
  connection.connect().catch(() => {})
  try {
    await opened.promise
    signal?.throwIfAborted()
  } catch (error) {
    close()
    throw error
  }
  return { close: async () => close() }
}
