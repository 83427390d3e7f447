import { fromIoredis, loadPeer, type IoredisClient, type RedisLike } from '../../core/index.ts'
import type { ResolvedRedisEngineOptions } from './options.ts'

/** A client of `ioredis`, as the engine uses it. */
export interface OwnClient extends IoredisClient {
  on(event: 'error', listener: (error: Error) => void): unknown
  disconnect(): void
}

/** The connections of an engine. BullMQ makes one more for each name that it works on. */
export interface RedisConnections {
  /** For calls that somebody waits for: these reject in time. */
  readonly commands: OwnClient
  /** The same, for scripts. */
  readonly redis: RedisLike
  /** For workers, which wait for a Redis that is away. */
  readonly workers: OwnClient
  close(): void
}

/** @throws HotpathError HOTPATH_PEER_MISSING */
export async function connectRedis(
  options: ResolvedRedisEngineOptions,
  onError: (error: Error) => void,
): Promise<RedisConnections> {
  const { commandTimeoutMs } = options
  const commands = await newClient(options, {
    commandTimeout: commandTimeoutMs,
    maxRetriesPerRequest: 1,
  })
  // BullMQ refuses a connection of another kind: its commands would be given up when Redis restarts.
  const workers = await newClient(options, {
    maxRetriesPerRequest: null,
    commandTimeout: undefined,
  })
  for (const client of [commands, workers]) client.on('error', onError)
  const waiting = keepDuplicates(workers)
  return {
    commands,
    workers,
    redis: fromIoredis(commands),
    close() {
      for (const client of [commands, workers, ...waiting]) client.disconnect()
      // A worker that was cut off connects once more, and would keep the process open.
      for (const client of waiting) client.connect = () => Promise.reject(new Error('closed'))
    },
  }
}

type Duplicate = ReturnType<OwnClient['duplicate']>

/** The connections on which BullMQ waits for tasks: it makes them of the one that it is given. */
function keepDuplicates(client: OwnClient): readonly Duplicate[] {
  const made: Duplicate[] = []
  const duplicate = client.duplicate.bind(client)
  client.duplicate = (overrides) => {
    const one = duplicate(overrides)
    made.push(one)
    return one
  }
  return made
}

async function newClient(
  { url, client }: ResolvedRedisEngineOptions,
  overrides: object,
): Promise<OwnClient> {
  const own = {
    ...overrides,
    retryStrategy: (times: number) => Math.min(100 * times, 1_000),
    // A Redis that is frozen never ends its side.
    disconnectTimeout: 200,
  }
  if (client !== undefined) return client.duplicate(own) as OwnClient
  const Redis = await loadIoredis()
  return new Redis(url ?? '', own)
}

async function loadIoredis(): Promise<new (url: string, options: object) => OwnClient> {
  // As a variable, so that the compiler does not bind the room to the package.
  const name: string = 'ioredis'
  const { Redis } = await loadPeer(
    'redisEngine',
    'bullmq ioredis',
    () => import(name) as Promise<{ Redis: new (url: string, options: object) => OwnClient }>,
  )
  return Redis
}
