import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyInstance } from 'fastify'
import { PgBoss } from 'pg-boss'
import type { Pool } from 'pg'
import { notFound } from '../api/errors.ts'
import { readAttributes, takeStreams } from '../api/uploads.ts'
import { addSql, linesBeforeRows, tableFor, toRecord, userIdsSql } from '../data/added-rows.ts'
import type { AddedRows } from '../data/added-rows.ts'
import { IdSet } from '../data/id-set.ts'

const queue = 'add-file'

/** Rows that are added by one statement. */
const batchSize = 500

interface FileToAdd {
  path: string
}

/** Uploads go to the disk, and a job of pg-boss adds them to the site. */
export async function addUploads(
  app: FastifyInstance,
  databaseUrl: string,
  pool: Pool,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const boss = new PgBoss({ connectionString: databaseUrl, max: 2 })
  boss.on('error', (error) => app.log.error(error))
  await boss.start()
  app.addHook('onClose', () => boss.stop({ graceful: true }))
  await boss.createQueue(queue, { retryLimit: 3, expireInSeconds: 3_600 })
  await boss.work<FileToAdd>(queue, async ([job]) => {
    if (job === undefined) return undefined
    const rows = await addFile(pool, job.data.path)
    await rm(job.data.path, { force: true })
    return rows
  })

  takeStreams(app)
  app.post('/process-upload/', async (request, reply) => {
    const path = join(folder, randomUUID())
    try {
      await pipeline(request.body as Readable, createWriteStream(path))
      const file = await open(path, 'r+')
      await file.sync().finally(async () => file.close())
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
    const id = await boss.send(queue, { path })
    return reply.code(202).header('location', `/tasks/${id}`).send({ id })
  })

  app.get<{ Params: { id: string } }>('/tasks/:id', async (request) => {
    const { id } = request.params
    const [job] = await boss.findJobs(queue, { id })
    if (job === undefined) throw notFound(`task ${id}`)
    return { id, state: job.state, result: job.output }
  })
}

async function addFile(pool: Pool, path: string): Promise<AddedRows> {
  const users = new IdSet()
  for (const { id } of (await pool.query<{ id: number }>(userIdsSql)).rows) users.add(id)
  const counts: AddedRows = { added: 0, rejected: 0 }
  const start: string[] = []
  let table: ReturnType<typeof tableFor> | undefined
  let batch: object[] = []
  const flush = async () => {
    if (table === undefined || batch.length === 0) return
    const { rowCount } = await pool.query(addSql(table), [JSON.stringify(batch)])
    counts.added += rowCount ?? 0
    batch = []
  }
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (start.length < linesBeforeRows) {
      start.push(line)
      if (start.length === linesBeforeRows) table = tableFor(start)
      continue
    }
    const row = readAttributes(line)
    if (row === undefined || table === undefined) continue
    try {
      batch.push(toRecord(table, row, users))
    } catch {
      counts.rejected++
    }
    if (batch.length === batchSize) await flush()
  }
  await flush()
  return counts
}
