import fc from 'fast-check'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { drain } from '../../src/index.ts'
import { createPool, sql, type PostgresPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const until = (isSo: () => boolean | Promise<boolean>) =>
  vi.waitUntil(isSo, { timeout: 10_000, interval: 5 })
const admin = new pg.Client(url)
let pool: PostgresPool

const types = {
  word: 'text',
  amount: 'float8',
  big: 'int8',
  is_so: 'boolean',
  at: 'timestamptz',
  local: 'timestamp',
  body: 'jsonb',
  bytes: 'bytea',
  words: 'text[]',
  grid: 'int[]',
  blobs: 'bytea[]',
  times: 'timestamptz[]',
}
const columns = Object.keys(types)

beforeAll(async () => {
  await admin.connect()
  const definitions = Object.entries(types).map(([name, type]) => `${name} ${type}`)
  await admin.query(`
    create table copied (${definitions.join(', ')});
    create table inserted (like copied);
    create table numbers (id int primary key, name text)`)
})

beforeEach(async () => {
  await admin.query('truncate copied, inserted, numbers')
  pool = createPool(url, { maxConnections: 1 })
})

afterEach(() => pool.close())
afterAll(() => admin.end())

async function count(): Promise<number> {
  const { rows } = await admin.query<{ count: number }>(
    'select count(*)::int as count from numbers',
  )
  return rows[0]?.count ?? -1
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const one of source) found.push(one)
  return found
}

function* counting(to: number): Generator<[number, string]> {
  for (let id = 1; id <= to; id++) yield [id, `number ${id}`]
}

test('what goes in by COPY equals what goes in by INSERT', async () => {
  const text = fc
    .oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '',
        '\\',
        '\\N',
        '\\.',
        'NULL',
        '\t',
        '\n',
        '\r\n',
        'a\\tb',
        '{"a"}',
        ',',
        '"',
      ),
    )
    .map((value) => value.replaceAll('\0', ''))
  const date = fc.date({
    min: new Date('-004000-01-01'),
    max: new Date('9999-12-31'),
    noInvalidDate: true,
  })
  const bytes = fc.uint8Array().map((array) => Buffer.from(array))
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 8 })
  const row = fc.tuple(
    maybe(text),
    maybe(fc.oneof(fc.double(), fc.integer())),
    maybe(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    maybe(fc.boolean()),
    maybe(date),
    maybe(date),
    maybe(fc.dictionary(text, fc.oneof(text, fc.integer(), fc.constant(null)))),
    maybe(bytes),
    maybe(fc.array(maybe(text))),
    maybe(fc.array(fc.tuple(fc.integer(), fc.integer()).map(([a, b]) => [a >> 1, b >> 1]))),
    maybe(fc.array(bytes)),
    maybe(fc.array(maybe(date))),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
      await admin.query('truncate copied, inserted')
      for (const values of rows) {
        await pool.query(sql`insert into inserted values ${sql.rows([values])}`)
      }
      expect(await drain(rows, pool.copyInto('copied', columns))).toBe(rows.length)
      const { rows: different } = await admin.query(`
        (select * from copied except all select * from inserted)
        union all (select * from inserted except all select * from copied)`)
      expect(different).toEqual([])
    }),
    { numRuns: 60 },
  )
})

test('rows are arrays or objects, from anything that can be iterated; the connection comes back', async () => {
  async function* some() {
    yield [1, 'Ada']
    yield { name: null, id: 2, other: 'is not asked for' }
  }
  const sink = pool.copyInto(sql.id('public', 'numbers'), ['id', 'name'])
  expect(await drain(some(), sink)).toBe(2)
  expect(sink.rowCount).toBe(2)
  expect(await drain([], pool.copyInto('numbers', ['id', 'name']))).toBe(0)
  const { rows } = await pool.query('select * from numbers order by id')
  expect(rows).toEqual([
    { id: 1, name: 'Ada' },
    { id: 2, name: null },
  ])
  expect(pool.stats().opened).toBe(1)
})

test('a row that PostgreSQL refuses leaves nothing, and the connection goes on', async () => {
  function* twice() {
    yield* counting(20_000)
    yield [7, 'again']
    yield* counting(20_000)
  }
  const copy = drain(twice(), pool.copyInto('numbers', ['id', 'name']))
  await expect(copy).rejects.toMatchObject({ code: '23505' })
  const unreadable = drain([['x', 'y']], pool.copyInto('numbers', ['id', 'name']))
  await expect(unreadable).rejects.toMatchObject({ code: '22P02' })
  await expect(drain([[1]], pool.copyInto('nowhere', ['id']))).rejects.toMatchObject({
    code: '42P01',
  })
  expect(await count()).toBe(0)
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  expect(pool.stats()).toMatchObject({ opened: 1, lent: 0 })
})

test('a writer that never pauses hears that a row was refused, however fast the server takes the rest', async () => {
  const sink = pool.copyInto('numbers', ['id', 'name'])
  const same = Array.from({ length: 10 }, () => [1, 'the same'])
  const forever = async () => {
    for (;;) await sink.write(same)
  }
  await expect(forever()).rejects.toMatchObject({ code: '23505' })
  await sink.abort(new Error('enough'))
  await until(() => pool.idleCount === 1)
  expect(pool.stats().opened).toBe(1)
})

test('a row that does not fit is refused before it is sent', async () => {
  const rows = [[1, undefined], [1], [1, 'a', 'b'], { id: 1 }, [1, () => 1], [1, new Date(NaN)]]
  for (const row of rows) {
    const copy = drain([[5, 'five'], row], pool.copyInto('numbers', ['id', 'name']))
    await expect(copy).rejects.toMatchObject({ code: 'HOTPATH_POSTGRES_QUERY_INVALID' })
  }
  expect(() => pool.copyInto('numbers', [])).toThrow(/at least one column/)
  await until(() => pool.idleCount === 1)
  expect(await count()).toBe(0)
  expect(pool.stats().opened).toBe(1)
})

test('a source that fails, or an abort, leaves nothing', async () => {
  function* failing() {
    yield* counting(5_000)
    throw new Error('the source is broken')
  }
  const copy = drain(failing(), pool.copyInto('numbers', ['id', 'name']))
  await expect(copy).rejects.toThrow('the source is broken')

  const stop = new AbortController()
  const sink = pool.copyInto('numbers', ['id', 'name'], { signal: stop.signal })
  await sink.write([...counting(5_000)])
  stop.abort(new Error('gone'))
  await expect(sink.write([[1, 'a']])).rejects.toThrow('gone')
  await expect(sink.close()).rejects.toThrow('gone')
  await until(() => pool.stats().lent === 0)
  expect((await pool.query('select count(*)::int as count from numbers')).rows).toEqual([
    { count: 0 },
  ])
  expect(pool.stats().opened).toBe(1)
})

test('a server that does not keep up holds the writer back', async () => {
  await admin.query('begin; lock table numbers')
  const sink = pool.copyInto('numbers', ['id', 'name'])
  let isOver = false
  const copy = drain(counting(2_000_000), sink).finally(() => (isOver = true))
  const refused = expect(copy).rejects.toThrow()
  let pid: number | undefined
  await until(async () => {
    // In a transaction PostgreSQL shows the activity of the first look again and again.
    await admin.query('select pg_stat_clear_snapshot()')
    const { rows } = await admin.query<{ pid: number }>(
      "select pid from pg_stat_activity where query like 'copy %' and wait_event_type = 'Lock'",
    )
    pid = rows[0]?.pid
    return pid !== undefined
  })
  expect(sink.rowCount).toBeGreaterThan(0)
  expect(sink.rowCount).toBeLessThan(500_000)
  expect(isOver).toBe(false)
  await admin.query('select pg_terminate_backend($1)', [pid])
  await refused
  await admin.query('rollback')
  expect(await count()).toBe(0)
})

test('a backend that dies leaves nothing, and its connection is replaced', async () => {
  const sink = pool.copyInto('numbers', ['id', 'name'])
  await sink.write([...counting(5_000)])
  await until(async () => {
    const { rowCount } = await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy "%'`,
    )
    return rowCount === 1
  })
  const rest = async () => {
    for (;;) await sink.write([...counting(1_000)])
  }
  await expect(rest()).rejects.toThrow(/terminat|ECONNRESET|EPIPE/)
  await sink.abort(new Error('enough'))
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  expect(await count()).toBe(0)
})

test('rows come out as they went in', async () => {
  const fields = fc.array(
    fc.tuple(fc.option(fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')))),
    { maxLength: 30 },
  )
  await fc.assert(
    fc.asyncProperty(fields, async (rows) => {
      await admin.query('truncate numbers')
      const numbered = rows.map(([name], id) => [id, name])
      await drain(numbered, pool.copyInto('numbers', ['id', 'name']))
      const read = await all(pool.copyFrom(sql`select id, name from numbers order by id`))
      expect(read).toEqual(numbered.map(([id, name]) => [String(id), name]))
    }),
    { numRuns: 60 },
  )
  expect(pool.stats().opened).toBe(1)
})

test('a table is read whole, and left early; an error is that of the server', async () => {
  await drain(counting(100_000), pool.copyInto('numbers', ['id', 'name']))
  expect(await all(pool.copyFrom('numbers'))).toHaveLength(100_000)
  for await (const [id] of pool.copyFrom('numbers')) if (id === '10') break
  await expect(all(pool.copyFrom('nowhere'))).rejects.toMatchObject({ code: '42P01' })
  const stop = new AbortController()
  const reading = async () => {
    const { signal } = stop
    for await (const [id] of pool.copyFrom('numbers', { signal })) {
      if (id === '10') stop.abort(new Error('gone'))
    }
  }
  await expect(reading()).rejects.toThrow('gone')
  const parameters = all(pool.copyFrom(sql`select ${1}`))
  await expect(parameters).rejects.toMatchObject({ code: 'HOTPATH_POSTGRES_QUERY_INVALID' })
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})
