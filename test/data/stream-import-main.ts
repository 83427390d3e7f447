// Loads a dump file by file into the table `loaded`, a piece at a time, and says after each one how
// far it is: `node stream-import-main.ts URL FOLDER`. It goes on where the last run was ended.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { lines, type Place, type XmlRow } from '../../src/stream/index.ts'

const [url, folder = ''] = process.argv.slice(2)
const client = new pg.Client(url)
await client.connect()

for (const file of readdirSync(folder).filter((name) => name.endsWith('.xml.gz'))) {
  const { rows } = await client.query<{ line: number; byte_offset: number }>(
    'select line, byte_offset from progress where file = $1',
    [file],
  )
  const [done] = rows
  await lines(join(folder, file), {
    from: done && { line: done.line, byteOffset: done.byte_offset },
    invalidText: 'error',
  })
    .xmlRows()
    .to((piece, next) => commit(file, piece, next), { batchSize: 150 })
}
await client.end()

/** The rows and how far they reach: both are there, or neither. */
async function commit(file: string, rows: readonly XmlRow[], next: Place): Promise<void> {
  await client.query('begin')
  const copy = client.query(copyFrom('copy loaded from stdin'))
  copy.end(rows.map((row) => `${file}\t${row['Id']}\t${escaped(JSON.stringify(row))}\n`).join(''))
  await finished(copy)
  await client.query(
    `insert into progress values ($1, $2, $3)
     on conflict (file) do update set line = $2, byte_offset = $3`,
    [file, next.line, next.byteOffset],
  )
  await client.query('commit')
  console.log(`${file} ${next.line}`)
}

// JSON has no line ends and tabs but escaped ones, so this is all that COPY's text format asks for.
function escaped(json: string): string {
  return json.replaceAll('\\', '\\\\')
}
