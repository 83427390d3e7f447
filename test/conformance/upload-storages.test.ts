import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool } from '../../src/postgres/index.ts'
import { startObjectServer } from '../uploads/object-server.ts'
import { objectStorage } from '../uploads/object-storage.ts'
import { postgresStorage } from '../uploads/postgres-storage.ts'
import { useDatabase } from '../services.ts'
import { uploadStorageConformance } from './upload-storage.ts'

const { url } = await useDatabase()

uploadStorageConformance('uploads in a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-uploads-'))
  return {
    at: { folder },
    kept: async () => (await readdir(folder)).length,
    close: () => rm(folder, { recursive: true }),
  }
})

uploadStorageConformance('uploads in rows of PostgreSQL', async () => {
  const pool = createPool(url, { maxConnections: 8 })
  const storage = postgresStorage(pool)
  await storage.sweep?.({ maxAgeMs: false, nowMs: 0, signal: new AbortController().signal })
  await pool.query('truncate uploads cascade')
  return {
    at: { storage },
    async kept() {
      const { rows } = await pool.query<{ count: number }>(`
        select (select count(*) from uploads) + (select count(*) from pg_stat_activity
          where datname = current_database() and state like 'idle in transaction%')::int as count`)
      return Number(rows[0]?.count)
    },
    close: () => pool.close(),
  }
})

uploadStorageConformance('uploads as objects of a server', async () => {
  const server = await startObjectServer()
  return {
    at: { storage: objectStorage(server.url) },
    kept: async () => server.objects.size + server.open.size,
    close: () => server.close(),
  }
})
