import type { PostgresPool } from '../../src/postgres/index.ts'
import type { UploadStorage } from '../../src/tasks/index.ts'

const tables = `
  create table if not exists uploads (id text primary key, at timestamptz not null default now());
  create table if not exists upload_parts (
    id text references uploads on delete cascade,
    from_byte bigint, bytes bytea, primary key (id, from_byte))`

/** Keeps uploads in rows. One is a transaction: what is not committed is nothing, also after a kill. */
export function postgresStorage(pool: PostgresPool): UploadStorage {
  return {
    async begin(id) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await client.query('insert into uploads (id) values ($1)', [id])
      } catch (error) {
        client.release(true)
        throw error
      }
      let fromByte = 0
      return {
        async write(chunk) {
          await client.query('insert into upload_parts values ($1, $2, $3)', [
            id,
            fromByte,
            Buffer.from(chunk),
          ])
          fromByte += chunk.byteLength
        },
        async commit() {
          await client.query('commit')
          client.release()
        },
        async abort() {
          await client.query('rollback')
          client.release()
        },
      }
    },
    async open(id, { startByte }) {
      const { rowCount } = await pool.query('select from uploads where id = $1', [id])
      return rowCount === 0 ? undefined : parts(pool, id, startByte)
    },
    async remove(id) {
      return (await pool.query('delete from uploads where id = $1', [id])).rowCount === 1
    },
    async sweep({ maxAgeMs, nowMs }) {
      await pool.query(tables)
      if (maxAgeMs === false) return 0
      const before = new Date(nowMs - maxAgeMs)
      return (await pool.query('delete from uploads where at < $1', [before])).rowCount ?? 0
    },
  }
}

async function* parts(pool: PostgresPool, id: string, startByte: number): AsyncGenerator<Buffer> {
  for (let next = startByte; ;) {
    const { rows } = await pool.query<{ bytes: Buffer }>(
      `select substr(bytes, ($2 - from_byte + 1)::int) as bytes from upload_parts
       where id = $1 and from_byte <= $2 and from_byte + length(bytes) > $2
       order by from_byte desc limit 1`,
      [id, next],
    )
    const [row] = rows
    if (row === undefined) return
    yield row.bytes
    next += row.bytes.length
  }
}
