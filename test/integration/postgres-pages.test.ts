import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPool, keyset, type KeysetColumn, type Page } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const pool = createPool(url, { maxConnections: 4 })
const table = 'select * from entries'

// Few values for each column, so that there are ties everywhere; microseconds, digits and bigints that
// a JavaScript number or Date would lose.
beforeAll(async () => {
  await pool.query(`
    create table entries (
      id bigint primary key, n int, word text, at timestamptz, amount numeric, code uuid,
      day date, real float8, sure int not null
    );
    select setseed(0.5);
    insert into entries
      select 9007199254740993 + i,
        case when random() < 0.7 then (random() * 4)::int - 2 end,
        case when random() < 0.7 then (array['', 'a', 'B', 'é', 'it''s'])[1 + (random() * 4)::int] end,
        case when random() < 0.7 then
          '2026-01-01 00:00:00.000001+02'::timestamptz + (random() * 3)::int * interval '1 microsecond' end,
        case when random() < 0.7 then 1e30 + (random() * 3)::int * 0.000000000001 end,
        case when random() < 0.7 then
          ('a0eebc99-9c0b-4ef8-bb6d-00000000000' || (random() * 3)::int)::uuid end,
        case when random() < 0.7 then (array['infinity', '2026-02-03', '-infinity', '0044-03-15 BC']::date[])[1 + (random() * 3)::int] end,
        case when random() < 0.7 then (array['NaN', '0.1', '-Infinity', '1e300']::float8[])[1 + (random() * 3)::int] end,
        (random() * 3)::int
      from generate_series(1, 60) as i`)
})

afterAll(() => pool.end())

async function walk(
  orderBy: readonly KeysetColumn[],
  limit: number,
  secret: string | undefined,
): Promise<{ forwards: unknown[]; backwards: unknown[] }> {
  const read = (where: { after?: string | undefined; before?: string | undefined }) =>
    keyset({ orderBy, limit, secret, ...where }).query<{ id: string }>(pool, table)
  const ids = ({ rows }: Page<{ id: string }>) => rows.map(({ id }) => id)
  let page = await read({})
  expect(page.previous).toBeUndefined()
  const forwards = ids(page)
  while (page.next !== undefined) {
    page = await read({ after: page.next })
    forwards.push(...ids(page))
  }
  const backwards = ids(page)
  while (page.previous !== undefined) {
    page = await read({ before: page.previous })
    expect(page.next).toBeDefined()
    backwards.unshift(...ids(page))
  }
  return { forwards, backwards }
}

test('every order, forwards and backwards: each row once, in the order of one big ORDER BY', async () => {
  const nullable = ['n', 'word', 'at', 'amount', 'code', 'day', 'real']
  const direction = fc.constantFrom('asc' as const, 'desc' as const)
  const nulls = fc.constantFrom('first' as const, 'last' as const)
  const column = fc.oneof(
    fc.record({ column: fc.constantFrom(...nullable), direction, nulls }),
    fc.record({ column: fc.constant('sure'), direction }),
  )
  const columns = fc.uniqueArray(column, { maxLength: 3, selector: (each) => each.column })
  const last = fc.record({ column: fc.constant('id'), direction })
  await fc.assert(
    fc.asyncProperty(
      columns,
      last,
      fc.integer({ min: 1, max: 25 }),
      fc.constantFrom('s', undefined),
      async (some, id, limit, secret) => {
        const orderBy: KeysetColumn[] = [...some, id]
        const order = orderBy.map(
          (each) =>
            `${each.column} ${each.direction}${each.nulls === undefined ? '' : ` nulls ${each.nulls}`}`,
        )
        const { rows } = await pool.query(`select id from entries order by ${order.join(', ')}`)
        const expected = rows.map((row) => row.id as string)
        const { forwards, backwards } = await walk(orderBy, limit, secret)
        expect(forwards).toEqual(expected)
        expect(backwards).toEqual(expected)
      },
    ),
    { numRuns: 150 },
  )
}, 60_000)

test('the form in which a session writes dates does not matter', async () => {
  const orderBy = [{ column: 'at', nulls: 'last' as const }, { column: 'id' }]
  const { next } = await keyset({ orderBy, limit: 20 }).query(pool, table)
  const client = await pool.connect()
  await client.query("set datestyle = 'SQL, DMY'")
  await client.query("set timezone = 'Asia/Kathmandu'")
  const there = await keyset({ orderBy, limit: 20, after: next }).query(client, table)
  client.release(true)
  const here = await keyset({ orderBy, limit: 20, after: next }).query(pool, table)
  expect(there.rows.map(({ id }) => id)).toEqual(here.rows.map(({ id }) => id))
})

test('a made-up value is the error of a cursor; with a secret it never gets so far', async () => {
  const orderBy = ['id']
  const { next = '' } = await keyset({ orderBy, limit: 1 }).query(pool, table)
  const text = Buffer.from(next, 'base64url').toString()
  for (const value of ['x', '1 or 1=1', '99999999999999999999']) {
    const after = Buffer.from(text.replace(/"[^"]*"\]$/, `"${value}"]`)).toString('base64url')
    await expect(keyset({ orderBy, limit: 1, after }).query(pool, table)).rejects.toMatchObject({
      code: 'HOTPATH_POSTGRES_CURSOR_INVALID',
      message: expect.not.stringContaining(value),
    })
  }
  // An error of the query itself stays what it is.
  await expect(
    keyset({ orderBy, limit: 1 }).query(pool, 'select 1 / 0 as id'),
  ).rejects.toMatchObject({ code: '22012' })
})

describe('rows that come and go between two pages', () => {
  test('neither repeat nor hide others', async () => {
    await pool.query('create table list (id int primary key)')
    await pool.query('insert into list select n * 10 from generate_series(1, 6) as n')
    const read = (after?: string) =>
      keyset({ orderBy: ['id'], limit: 2, after }).query(pool, 'select id from list')
    const first = await read()
    await pool.query('insert into list values (5), (15)')
    await pool.query('delete from list where id in (20, 30)')
    const second = await read(first.next)
    expect(second.rows).toEqual([{ id: 40 }, { id: 50 }])
  })
})

test('an index serves mixed directions and nulls, at any depth', async () => {
  await pool.query(`
    create table deep (id int primary key, score int, at int not null);
    insert into deep select n, nullif(n % 50, 0), n % 977 from generate_series(1, 50000) as n;
    create index on deep (score desc nulls last, at, id)`)
  await pool.query('vacuum analyze deep')
  const orderBy: KeysetColumn[] = [
    { column: 'score', direction: 'desc', nulls: 'last' },
    { column: 'at' },
    { column: 'id' },
  ]
  const readBlocks = async (after: string | undefined) => {
    let blocks = 0
    const explaining = {
      query: async (text: string, values: unknown[]) => {
        const explained = await pool.query(
          `explain (analyze, buffers, format json) ${text}`,
          values,
        )
        const { Plan: plan } = explained.rows[0]['QUERY PLAN'][0]
        blocks = plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
        return { rows: [] }
      },
    }
    await keyset({ orderBy, limit: 20, after }).query(explaining, 'select * from deep')
    return blocks
  }
  for (const where of ['score <= 3', 'score is null']) {
    const edge = keyset({ orderBy, limit: 1 })
    const { next } = await edge.query(pool, `select * from deep where ${where}`)
    expect(next).toBeDefined()
    // The table has 271 blocks, and its index about as many.
    expect(await readBlocks(next)).toBeLessThan(120)
  }
})
