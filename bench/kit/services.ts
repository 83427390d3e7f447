import type { RedisServer } from '@hotpath/services'
import { Client } from 'pg'
import { createClient } from 'redis'
import type { Service, Services } from './bench.ts'
import type { Closing } from './closing.ts'
import { urlOf, type ServiceUrls } from './service-urls.ts'

/** The servers of a run, as the contenders' processes are told of them. */
export interface RunningServices extends Services {
  readonly urls: ServiceUrls
  /** What runs, by name, as the servers themselves say. */
  readonly versions: Record<string, string>
  /** Where it was asked for: it can be killed, frozen and brought back. */
  readonly redis?: RedisServer | undefined
}

/** Starts the servers that a bench or a soak asks for; they end with `closing`. */
export async function startServices(
  wanted: readonly Service[],
  closing: Closing,
): Promise<RunningServices> {
  const urls: ServiceUrls = {}
  const versions: Record<string, string> = {}
  if (wanted.length === 0) return { urls, versions, url: (service) => urlOf(urls, service) }

  const { startPostgres, startRedis } = await import('@hotpath/services')
  let redis: RedisServer | undefined
  for (const service of wanted) {
    const server = service === 'postgres' ? await startPostgres() : (redis = await startRedis())
    closing.defer(() => server.close())
    urls[service] = server.url
    if (service === 'postgres') versions['PostgreSQL'] = await postgresVersion(server.url)
    else versions['Redis'] = await redisVersion(server.url)
  }
  return { urls, versions, redis, url: (service) => urlOf(urls, service) }
}

async function postgresVersion(connectionString: string): Promise<string> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]?.server_version ?? 'unknown'
  } finally {
    await client.end()
  }
}

async function redisVersion(url: string): Promise<string> {
  const client = createClient({ url })
  await client.connect()
  try {
    const info = await client.info('server')
    return /^(?:valkey|redis)_version:(.+)$/m.exec(info)?.[1]?.trim() ?? 'unknown'
  } finally {
    client.destroy()
  }
}
