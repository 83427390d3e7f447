import { knownOptions } from '../core/index.ts'
import type { CopyClient, CopyOptions } from './copy-options.ts'
import { loadCopyStreams } from './copy-streams.ts'
import { decodeRow } from './copy-text.ts'
import { queryInvalid } from './errors.ts'
import { SqlFragment, type SqlQuery } from './sql-fragment.ts'
import { sql } from './sql.ts'

/**
 * Reads a table or the rows of a query by COPY, each row as the texts of its fields. Whoever leaves
 * early closes the connection: the protocol has no other way to stop the server.
 */
export async function* copyRows(
  connect: () => Promise<CopyClient>,
  from: string | SqlQuery<unknown>,
  options: CopyOptions,
): AsyncGenerator<(string | null)[], void, undefined> {
  knownOptions('copyFrom', options, ['signal'])
  const { signal } = options
  signal?.throwIfAborted()
  const text = SqlFragment.isOne(from)
    ? copyQuery(from)
    : sql`copy ${sql.id(from as string)} to stdout`.text
  const { to } = await loadCopyStreams()
  const client = await connect()
  const stop = () => stream.destroy(signal?.reason as Error)
  const stream = client.query(to(text))
  signal?.addEventListener('abort', stop, { once: true })
  let isDone = false
  try {
    stream.setEncoding('utf8')
    let rest = ''
    for await (const chunk of stream as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield decodeRow(line)
    }
    isDone = true
  } finally {
    signal?.removeEventListener('abort', stop)
    client.release(!isDone)
  }
}

function copyQuery(query: SqlFragment<unknown>): string {
  if (query.values.length > 0)
    throw queryInvalid('COPY takes no parameters; write the query without')
  return `copy (${query.text}) to stdout`
}
