import { readdir, readFile } from 'node:fs/promises'
import { Client } from 'pg'

const folder = new URL('../migrations/', import.meta.url)

// Any number will do, as long as no other program locks the same one in this database.
const migrationLock = 7_240_117

/**
 * Brings a database to the newest schema: runs the files of `migrations/` that it has not seen, in
 * the order of their names, and remembers them in `schema_migrations`. All of it is one
 * transaction, and of two processes that start together one waits for the other.
 *
 * @returns the names of the migrations that ran
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock])
    const names = await pendingMigrations(client)
    for (const name of names) {
      await client.query(await readFile(new URL(name, folder), 'utf8'))
      await client.query('insert into schema_migrations (name) values ($1)', [name])
    }
    await client.query('commit')
    return names
  } finally {
    await client.end()
  }
}

async function pendingMigrations(client: Client): Promise<string[]> {
  await client.query(
    `create table if not exists schema_migrations (
       name text primary key,
       applied_at timestamptz not null default now()
     )`,
  )
  const { rows } = await client.query<{ name: string }>('select name from schema_migrations')
  const applied = new Set(rows.map((row) => row.name))
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql'))
  return files.filter((name) => !applied.has(name)).toSorted()
}
