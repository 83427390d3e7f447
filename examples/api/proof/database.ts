import { randomBytes } from 'node:crypto'
import { startPostgres } from '@hotpath/services'
import type { Client } from 'pg'
import { Refusal } from './failure.ts'
import { withClient } from './with-client.ts'

/** A database that is the example's alone. */
export interface Database {
  readonly url: string
  /** Where it is, for the person who waits. */
  readonly place: string
  close(): Promise<void>
}

const settings = {
  // Room for the whole site in memory.
  shared_buffers: '256MB',
  // Nobody replicates this server: what is loaded need not be written to the log as well.
  wal_level: 'minimal',
  max_wal_senders: 0,
}

/**
 * Opens the database: in a PostgreSQL server of our own, or, with `DATABASE_URL`, under a new name
 * in the server it points to. Nothing else in that server is touched.
 *
 * @throws Refusal when the server cannot be reached or may not be used
 */
export async function openDatabase(databaseUrl: string | undefined): Promise<Database> {
  if (databaseUrl !== undefined) return createDatabase(databaseUrl)
  try {
    const { url, close } = await startPostgres({ settings })
    return { url, close, place: 'PostgreSQL of our own in a private folder' }
  } catch (error) {
    throw new Refusal(`${(error as Error).message}.`, { cause: error })
  }
}

async function createDatabase(databaseUrl: string): Promise<Database> {
  const url = parseUrl(databaseUrl)
  const name = `hotpath_example_${randomBytes(4).toString('hex')}`
  await runOnServer(url, async (client) => {
    // Template and locale are named, so that text is UTF-8 whatever the server's default is.
    await client.query(
      `create database ${name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`,
    )
  })
  const own = new URL(url)
  own.pathname = `/${name}`
  return {
    url: own.href,
    place: `database ${name} on ${url.host} (DATABASE_URL), dropped at the end`,
    close: () => runOnServer(url, (client) => client.query(`drop database ${name} with (force)`)),
  }
}

async function runOnServer(url: URL, work: (client: Client) => Promise<unknown>): Promise<void> {
  try {
    await withClient(url.href, work)
  } catch (error) {
    throw refusalFor(url, error)
  }
}

function parseUrl(databaseUrl: string): URL {
  const url = URL.parse(databaseUrl)
  if (url?.protocol === 'postgres:' || url?.protocol === 'postgresql:') return url
  throw new Refusal(
    'DATABASE_URL is not a PostgreSQL address: write postgres://user:password@host:5432/database, or unset it to use a server of our own.',
  )
}

function refusalFor(url: URL, error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string }
  // insufficient_privilege: everything else that PostgreSQL or the network says explains itself.
  if (code === '42501') {
    return new Refusal(
      `${url.username} may not create databases on ${url.host} (DATABASE_URL): grant it CREATEDB, or unset DATABASE_URL to use a server of our own.`,
    )
  }
  if (code === '53100') return error
  const reason = message === '' ? code : message
  return new Refusal(
    `DATABASE_URL cannot be used (${url.host}: ${reason}): start that server or correct the address, or unset it to use a server of our own.`,
  )
}
