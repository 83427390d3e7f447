import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type { Sink } from 'hotpath'
import type { ClientBase } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Value } from './dump-tables.ts'

/**
 * Loads rows into a table by COPY; each write waits until PostgreSQL keeps up. The table must have
 * been truncated in the transaction that `client` is in, so that the rows can be stored as frozen.
 *
 * @returns a sink whose `close` resolves with the number of rows that were loaded
 */
export function copySink(
  client: ClientBase,
  table: string,
  columns: readonly string[],
): Sink<readonly Value[], number> {
  const stream = client.query(
    copyFrom(`copy ${table} (${columns.join(', ')}) from stdin with (freeze)`),
  )
  const ended = finished(stream)
  // Whoever writes or closes next hears of a failure; until then nobody awaits `ended`. The stream
  // does not remember one that PostgreSQL reports, such as a full disk: a write would crash on it.
  let failure: Error | undefined
  ended.catch((error: Error) => (failure = error))

  return {
    async write(batch) {
      if (failure !== undefined) throw failure
      if (!stream.write(batch.map(copyLine).join(''))) {
        await Promise.race([once(stream, 'drain'), ended])
      }
    },
    async close() {
      stream.end()
      await ended
      return stream.rowCount
    },
    async abort() {
      stream.destroy()
      await ended.catch(() => {})
    },
  }
}

function copyLine(values: readonly Value[]): string {
  return `${values.map(copyField).join('\t')}\n`
}

const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function copyField(value: Value): string | number {
  if (value === null) return '\\N'
  if (typeof value === 'number' || !/[\\\n\r\t]/.test(value)) return value
  return value.replace(/[\\\n\r\t]/g, (character) => escapes[character] ?? character)
}
