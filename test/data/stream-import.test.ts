import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { startPostgres, type PostgresServer } from '@hotpath/services'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { createPool, type PostgresPool } from '../../src/postgres/index.ts'
import { lines } from '../../src/stream/index.ts'

const folder = join(inject('dataFolder'), 'stackexchange')
const files = readdirSync(folder).filter((name) => name.endsWith('.xml.gz'))
const rowCounts = Object.fromEntries(
  files.map((file) => {
    const text = gunzipSync(readFileSync(join(folder, file))).toString('utf8')
    return [file, text.split('<row ').length - 1]
  }),
)
const total = Object.values(rowCounts).reduce((sum, count) => sum + count, 0)

let postgres: PostgresServer
let pool: PostgresPool
beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } })
  pool = createPool(postgres.url)
  const columns = '(file text, id int, attributes jsonb, primary key (file, id))'
  await pool.query(`create table loaded ${columns}`)
  await pool.query('create table whole (like loaded)')
  await pool.query('create table progress (file text primary key, line int, byte_offset int)')
})
beforeEach(() => pool.query('truncate loaded, whole, progress'))
afterAll(async () => {
  await pool.close()
  await postgres.close()
})

/** All of the dump, by one COPY for each file. */
async function loadWhole(): Promise<void> {
  for (const file of files) {
    const rejected: unknown[] = []
    const { rows, result } = await lines(join(folder, file), { invalidText: 'error' })
      .xmlRows()
      .map((row) => [file, Number(row['Id']), row])
      .to(pool.copyInto('whole', ['file', 'id', 'attributes']), {
        rejects: async (failed) => void rejected.push(...failed),
      })
    expect({ file, rows, result, rejected }).toEqual({
      file,
      rows: rowCounts[file],
      result: rowCounts[file],
      rejected: [],
    })
  }
}

/** Starts the import in a process of its own, and kills it when it has committed so many pieces. */
async function runUntil(pieces: number): Promise<number> {
  const main = fileURLToPath(new URL('./stream-import-main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, postgres.url, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  let committed = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== '' && ++committed === pieces) child.kill('SIGKILL')
  }
  const [code, signal] = (await ended) as [number | null, string | null]
  expect(signal === 'SIGKILL' || code === 0).toBe(true)
  return committed
}

test('every row of the dump streams into PostgreSQL by COPY', async () => {
  await loadWhole()
  const { rows } = await pool.query<{ file: string; count: number }>(
    'select file, count(*)::int as count from whole group by file',
  )
  expect(Object.fromEntries(rows.map(({ file, count }) => [file, count]))).toEqual(rowCounts)
  expect(rowCounts).toMatchObject({
    'Users.xml.gz': 1_703,
    'Posts.xml.gz': 781,
    'Comments.xml.gz': 1_305,
    'Votes.xml.gz': 4_349,
  })
})

test('killed in the middle, again and again, and resumed, the result is the same', async () => {
  await loadWhole()
  for (const pieces of [1, 7, 20, 13]) {
    await runUntil(pieces)
    const { rows } = await pool.query<{ count: number }>(
      'select count(*)::int as count from loaded',
    )
    expect(rows[0]?.count).toBeGreaterThan(0)
    expect(rows[0]?.count).toBeLessThan(total)
  }
  expect(await runUntil(Infinity)).toBeGreaterThan(0)
  const { rows } = await pool.query(
    `(table whole except table loaded) union all (table loaded except table whole)`,
  )
  expect(rows).toEqual([])
  const { rows: counted } = await pool.query<{ count: number }>(
    'select count(*)::int as count from loaded',
  )
  expect(counted).toEqual([{ count: total }])
})
