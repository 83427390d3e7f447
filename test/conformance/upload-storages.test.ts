import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { createPool } from '../../src/postgres/index.ts'
import {
  createTasks,
  createUploadStore,
  sqliteEngine,
  type UploadReference,
} from '../../src/tasks/index.ts'
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

test('the guide shows the storage that is tested here', async () => {
  const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')
  const source = await read('../uploads/object-storage.ts')
  const shown = source.replace('../../src/tasks/index.ts', 'hotpath/tasks')
  expect(await read('../../docs/guides/tasks-http.md')).toContain(shown)
})

test('what is too old is swept out of a given storage', async () => {
  await using pool = createPool(url)
  const storage = postgresStorage(pool)
  await storage.sweep?.({ maxAgeMs: false, nowMs: 0, signal: new AbortController().signal })
  const maxAgeMs = 60_000
  await using first = createUploadStore({ storage, maxBytes: 10, maxAgeMs })
  const [old, young] = [await first.receive(bytes('old')), await first.receive(bytes('young'))]
  await pool.query(`update uploads set at = now() - interval '1 hour' where id = $1`, [old.id])
  await using next = createUploadStore({ storage, maxBytes: 10, maxAgeMs })
  await vi.waitUntil(() => next.stats().swept > 0)
  await expect(next.open(old)).rejects.toThrow(/no upload/)
  expect(String(await (await next.open(young)).toArray())).toBe('young')
})

test('a task that is begun again reads on where it was, in a given storage', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-uploads-'))
  const server = await startObjectServer()
  const uploads = createUploadStore({ storage: objectStorage(server.url), maxBytes: 100 })
  const tasks = createTasks({ engine: sqliteEngine({ file: join(folder, 'tasks.db') }) })
  let startByte = 0
  const task = tasks.define('read', {
    backoff: { firstMs: 1 },
    async run(upload: UploadReference) {
      const read = await uploads.open(upload, { startByte })
      if (startByte === 0) {
        startByte = 4
        throw new Error('begin me again')
      }
      const rest = String(await read.toArray())
      await uploads.delete(upload)
      return { rest }
    },
  })
  await tasks.start()
  const { id } = await task.enqueue(await uploads.receive(bytes('0123456789')))
  expect(await task.wait(id)).toMatchObject({ result: { rest: '456789' } })
  expect(server.objects.size).toBe(0)
  await tasks.close()
  await uploads.close()
  await server.close()
  await rm(folder, { recursive: true })
})

function bytes(text: string): Readable {
  return Readable.from([Buffer.from(text)])
}
