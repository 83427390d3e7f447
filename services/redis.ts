import { join } from 'node:path'
import { findRedis } from './find-redis.ts'
import { redisCommand } from './redis-command.ts'
import { joinRun, type RunMember } from './run.ts'
import { startServer, type Server } from './server.ts'

/** How {@link startRedis} runs the server. */
export interface RedisOptions {
  /** @defaultValue a free port */
  port?: number | undefined
  /** Server settings by name, as in `redis.conf`. */
  settings?: Readonly<Record<string, string | number>> | undefined
}

/** A Redis (or Valkey) of one's own. It keeps nothing on disk: a restart finds it empty. */
export interface RedisServer extends Server {
  readonly url: string
  /** Leaves no memory for values: reads go on, writes fail with `OOM`. */
  fill(): Promise<void>
  /** Takes {@link fill} back. */
  empty(): Promise<void>
  /** Removes every key. */
  flush(): Promise<void>
}

/**
 * Starts a new, empty Redis on 127.0.0.1, which goes when it is closed or this process ends,
 * however it ends.
 *
 * @example
 * ```ts
 * import { startRedis } from '@hotpath/services'
 *
 * await using redis = await startRedis()
 * await redis.freeze() // connections stay open, and nobody answers
 * await redis.thaw()
 * ```
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const command = await findRedis()
  const member = await joinRun('redis')
  try {
    return await startIn(member, command, options)
  } catch (error) {
    await member.leave()
    throw error
  }
}

const settings = { bind: '127.0.0.1', save: '', appendonly: 'no' }

async function startIn(
  member: RunMember,
  command: string,
  options: RedisOptions,
): Promise<RedisServer> {
  const server = await startServer(member, {
    title: 'Redis',
    command,
    commandArguments: (port) =>
      Object.entries({ ...settings, ...options.settings, dir: member.folder, port }).flatMap(
        ([name, value]) => [`--${name}`, String(value)],
      ),
    port: options.port,
    folder: member.folder,
    logPath: join(member.folder, 'redis.log'),
    owner: undefined,
    stopSignal: 'SIGTERM',
    quickSignal: 'SIGKILL',
    isReady: async (port, pid) => {
      const server = await redisCommand(port, 'INFO', 'server').catch(() => '')
      // Somebody else's Redis may listen there.
      return server.includes(`process_id:${pid}\r\n`)
    },
  })

  const ask = async (...words: string[]) => {
    const answer = await redisCommand(server.port, ...words)
    if (answer !== '+OK') throw new Error(`Redis answered ${answer} to ${words.join(' ')}`)
  }
  return Object.assign(server, {
    url: `redis://127.0.0.1:${server.port}`,
    async fill() {
      await ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
      await ask('CONFIG', 'SET', 'maxmemory', '1')
    },
    empty: () => ask('CONFIG', 'SET', 'maxmemory', '0'),
    flush: () => ask('FLUSHALL'),
  })
}
