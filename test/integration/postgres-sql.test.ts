import fc from 'fast-check'
import pg from 'pg'
import { afterAll, expect, expectTypeOf, test } from 'vitest'
import { createPool, sql } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const pool = createPool(url, { maxConnections: 4 })
afterAll(() => pool.close())

// PostgreSQL's text and jsonb cannot hold a zero character.
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      "'; drop table users; --",
      '$1',
      '\\',
      "\\'",
      '"',
      '{}',
      '{"text":"x"}',
      'NULL',
    ),
  )
  .map((value) => value.replaceAll('\0', ''))

test('values come back as they went in', async () => {
  const json = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)))
  await fc.assert(
    fc.asyncProperty(
      text,
      json,
      fc.array(text),
      fc.integer(),
      async (word, body, words, integer) => {
        const { rows } = await pool.query(
          sql`select ${word}::text as word, ${body}::jsonb = ${JSON.stringify(body)}::text::jsonb as is_same, ${words}::text[] as words,
          ${integer}::int as integer, ${null}::text as nothing`,
        )
        expect(rows).toEqual([{ word, is_same: true, words, integer, nothing: null }])
      },
    ),
    { numRuns: 200 },
  )
})

test('the nastiest names are names', async () => {
  const name = text.filter((value) => value !== '' && Buffer.byteLength(value) <= 63)
  const two = fc.uniqueArray(name, { minLength: 2, maxLength: 2 })
  await fc.assert(
    fc.asyncProperty(name, two, text, async (table, [first = '', second = ''], value) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const [a, b] = [sql.id(first), sql.id(second)]
        await client.query(sql`create table ${sql.id('public', table)} (${a} text, ${b} text)`)
        await client.query(
          sql`insert into ${sql.id(table)} (${a}, ${b}) values ${sql.rows([[value, null]])}`,
        )
        const { rows } = await client.query<Record<string, unknown>>(
          sql`select ${a}, ${b} from ${sql.id(table)} where ${a} in (${sql.list([value, 'x'])})`,
        )
        expect(rows.map((row) => Object.entries(row))).toEqual([
          [...Object.entries({ [first]: value, [second]: null })],
        ])
      } finally {
        await client.query('rollback')
        client.release()
      }
    }),
    { numRuns: 100 },
  )
})

test('carries the type of its rows, and works on clients of pg', async () => {
  interface User {
    id: number
    name: string
  }
  const query = sql<User>`select 1 as id, ${'Ada'}::text as name`
  const { rows } = await pool.query(query)
  expectTypeOf(rows).toEqualTypeOf<User[]>()
  expect(rows).toEqual([{ id: 1, name: 'Ada' }])
  expect((await pool.query({ ...query, timeoutMs: 1_000 })).rows).toEqual(rows)

  const client = new pg.Client(url)
  await client.connect()
  const answer = await client.query<User>(query)
  await client.end()
  expect(answer.rows).toEqual(rows)
})

test('a template is prepared once, whatever its values', async () => {
  const own = createPool(url, { maxConnections: 1 })
  const find = (id: number) => own.query(sql`select ${id}::int + 40 as sum`)
  for (const id of [1, 2, 3]) expect((await find(id)).rows).toEqual([{ sum: id + 40 }])
  const { rows } = await own.query(
    sql`select statement from pg_prepared_statements where statement like ${'%+ 40 as sum'}`,
  )
  expect(rows).toEqual([{ statement: 'select $1::int + 40 as sum' }])
  await own.close()
})
