import type { Writable } from 'node:stream'
import { fromIoredis, loadPeer, type IoredisClient, type RedisLike } from '../../core/index.ts'
import type { ResolvedRedisEngineOptions } from './options.ts'

/** A client of `ioredis`, as the engine uses it. */
export interface OwnClient extends IoredisClient {
  /** Undefined until it connects. */
  readonly stream?: Writable
  sendCommand(command: unknown, within?: unknown): unknown
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
  for (const client of [commands, workers]) {
    client.on('error', onError)
    writeInBursts(client)
  }
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

// With many more Redis would begin late: it works on one burst while the next is made.
const commandsPerWrite = 32

/**
 * What is sent in one go leaves in few writes. A write for each command costs more than all else that is
 * done for it here, and in Redis a read.
 */
function writeInBursts(client: OwnClient): void {
  const send = client.sendCommand.bind(client)
  let corked: Writable | undefined
  let count = 0
  const flush = () => {
    corked?.uncork()
    corked = undefined
    count = 0
  }
  client.sendCommand = (command, within) => {
    if (corked === undefined && client.stream?.writable === true) {
      corked = client.stream
      corked.cork()
      process.nextTick(flush)
    }
    const sent = send(command, within)
    if (++count >= commandsPerWrite) flush()
    return sent
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
