import type { FastifyInstance } from 'fastify'
import { Client } from 'pg'
import { readAttributes, uploadTypes } from '../api/uploads.ts'
import { addSql, linesBeforeRows, tableFor, toRecord, userIdsSql } from '../data/added-rows.ts'
import { IdSet } from '../data/id-set.ts'

/** Enough for the files that were tried. */
const bodyLimit = 1_000_000_000

/** The upload is read into memory and added row by row, while its client waits. */
export function addUploads(app: FastifyInstance, databaseUrl: string): void {
  app.addContentTypeParser(uploadTypes, { parseAs: 'string', bodyLimit }, (_request, body, done) =>
    done(null, body),
  )
  app.post('/process-upload/', { bodyLimit }, async (request) => {
    const lines = (request.body as string).split('\n')
    const table = tableFor(lines)
    const client = new Client({ connectionString: databaseUrl })
    await client.connect()
    try {
      const users = new IdSet()
      for (const { id } of (await client.query<{ id: number }>(userIdsSql)).rows) users.add(id)
      let added = 0
      for (const line of lines.slice(linesBeforeRows)) {
        const row = readAttributes(line)
        if (!row) continue
        const record = toRecord(table, row, users)
        const { rowCount } = await client.query(addSql(table), [JSON.stringify([record])])
        added += rowCount ?? 0
      }
      return { added, rejected: 0 }
    } finally {
      await client.end()
    }
  })
}
