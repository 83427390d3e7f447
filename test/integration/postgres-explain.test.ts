import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPool, explain } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()
const pool = createPool(url, { maxConnections: 2 })

beforeAll(async () => {
  await pool.query(`
    create table posts (id int primary key, "Owner" int not null, title varchar(80) not null);
    insert into posts select n, n % 5000, 'title ' || n from generate_series(1, 30000) as n;
    create table tags (id int primary key, name text);
    insert into tags values (1, 'a')`)
  await pool.query('vacuum analyze posts, tags')
})

afterAll(() => pool.end())

test('names a large table that is read from end to end, and an index that spares it', async () => {
  const query = {
    text: 'select * from posts p, tags t where p."Owner" = $1 and p.title = $2 and t.name is not null',
    values: [7, 'title 7'],
  }
  const before = await explain(pool, query)
  expect(before.sequentialScans).toEqual([
    {
      schema: 'public',
      table: 'posts',
      tableRows: 30_000,
      filter: expect.stringContaining('Owner'),
      columns: ['Owner', 'title'],
      suggestion: 'create index on "public"."posts" ("Owner", "title")',
      trial: undefined,
    },
  ])
  await pool.query(before.sequentialScans[0]?.suggestion ?? '')
  const after = await explain(pool, query)
  expect(after.sequentialScans).toEqual([])
  expect(after.totalCost).toBeLessThan(before.totalCost / 10)
})

test('gives the plan as a tree, with what it took when it was run', async () => {
  const text = 'select count(*) from posts where id between 5 and 14'
  const planned = await explain(pool, text)
  expect(planned).toMatchObject({ rows: 1, executionMs: undefined, plan: { kind: 'Aggregate' } })
  const { plan, executionMs } = await explain(pool, text, { analyze: true })
  expect(executionMs).toBeGreaterThan(0)
  expect(plan).toMatchObject({
    kind: 'Aggregate',
    actualRows: 1,
    children: [{ table: 'posts', index: 'posts_pkey', actualRows: 10 }],
  })
})

test('a write is rolled back, and nothing that commits can come behind it', async () => {
  const count = async () => (await pool.query('select count(*)::int as n from tags')).rows[0].n
  const { plan } = await explain(pool, "insert into tags values (2, 'b')", { analyze: true })
  expect(plan).toMatchObject({ kind: 'ModifyTable', table: 'tags' })
  expect(await count()).toBe(1)
  for (const text of ['select 1; insert into tags values (3)', 'delete from tags; commit']) {
    await expect(explain(pool, text, { analyze: true })).rejects.toMatchObject({ code: '42601' })
    await expect(explain(pool, text)).rejects.toMatchObject({ code: '42601' })
  }
  expect(await count()).toBe(1)
  expect(pool.stats()).toMatchObject({ lent: 0 })
})

test('an error of the query is the error, and an unknown option is refused', async () => {
  await expect(explain(pool, 'select nothing')).rejects.toMatchObject({ code: '42703' })
  await expect(explain(pool, 'select 1', { run: true } as never)).rejects.toMatchObject({
    code: 'HOTPATH_OPTION_INVALID',
  })
  expect(pool.stats()).toMatchObject({ lent: 0 })
})
