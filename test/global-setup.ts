import { startPostgres, startRedis } from '@hotpath/services'
import type { TestProject } from 'vitest/node'
import { refuse } from './refuse.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
    redisUrl: string
  }
}

/** Starts the PostgreSQL and, unless `REDIS_URL` names one, the Redis that all test files share. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const given = process.env['REDIS_URL']
  // Redis first: it is the one that may be missing, and then nothing else needs to start.
  const redis = given ? undefined : await startRedis().catch(refuse)
  const postgres = await startPostgres({
    settings: { fsync: 'off', max_connections: 300 },
  }).catch(refuse)
  provide('redisUrl', given || redis?.url || '')
  provide('postgresUrl', postgres.url)
  return async () => {
    await Promise.all([postgres.close(), redis?.close()])
  }
}
