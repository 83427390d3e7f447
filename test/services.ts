import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, inject } from 'vitest'

/**
 * An empty database for this test file, on the PostgreSQL that all files share. It is dropped at
 * the end, whoever is still connected to it.
 *
 * @example
 * ```ts
 * const { url } = await useDatabase()
 * ```
 */
export async function useDatabase(): Promise<{ readonly url: string }> {
  const serverUrl = inject('postgresUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  await execute(serverUrl, `create database ${name}`)
  afterAll(() => execute(serverUrl, `drop database ${name} with (force)`))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { url: url.href }
}

/**
 * The Redis that all files share, and a prefix under which this file's keys and channels are its
 * own. A test that kills, freezes or flushes a Redis starts one with `startRedis` instead.
 */
export function useRedis(): { readonly url: string; readonly prefix: string } {
  return { url: inject('redisUrl'), prefix: `hotpath-test-${randomBytes(6).toString('hex')}:` }
}

async function execute(url: string, text: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
