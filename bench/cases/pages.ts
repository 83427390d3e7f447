import type { Bench, CallersWorkload, Contender } from '../kit/bench.ts'

const rowCount = 1_000_000
const pageSize = 50
const text = 'select id, title, created_at from posts'
const inOrder = `${text} order by created_at desc, id desc`

const schema = [
  'create table posts (id int primary key, title text not null, created_at timestamptz not null)',
  // A hundred rows share each time, so that the order needs both columns.
  `insert into posts
     select id, 'Post ' || id, '2020-01-01'::timestamptz + id / 100 * interval '1 minute'
     from generate_series(1, ${rowCount}) as id`,
  'create index on posts (created_at, id)',
  'vacuum analyze posts',
]

// The first id of the page that a workload reads: ids fall as the order goes.
const firstIdOf = (page: number) => rowCount - (page - 1) * pageSize

const pageOf: Readonly<Record<string, number>> = { 'page-1': 1, 'page-1000': 1_000 }

function reading(page: number): CallersWorkload {
  return {
    kind: 'callers',
    about: `page ${page.toLocaleString('en-US')}, 1 caller`,
    callers: 1,
    inputs: [firstIdOf(page)],
    check: (rows, firstId) => {
      const [first, ...others] = rows as { id: number }[]
      return first?.id === firstId && others.length === pageSize - 1
    },
    warmupMs: 150,
    sliceMs: 400,
  }
}

const byOffset: Contender = async ({ url, workload }) => {
  const { createPool } = await import('hotpath/postgres')
  const pool = createPool(url('postgres'), { maxConnections: 1 })
  const offset = ((pageOf[workload] ?? 1) - 1) * pageSize
  return {
    call: async () => {
      const { rows } = await pool.query(`${inOrder} limit $1 offset $2`, [pageSize, offset])
      return rows
    },
    close: () => pool.end(),
  }
}

const byKeyset: Contender = async ({ url, workload }) => {
  const { createPool, keyset } = await import('hotpath/postgres')
  const pool = createPool(url('postgres'), { maxConnections: 1 })
  const orderBy = [
    { column: 'created_at', direction: 'desc' as const },
    { column: 'id', direction: 'desc' as const },
  ]
  const secret = 'a secret of this bench'
  const read = (after: string | undefined) =>
    keyset({ orderBy, limit: pageSize, secret, after }).query<{ id: number }>(pool, text)
  // As a client comes there: from page to page.
  let after: string | undefined
  for (let page = 1; page < (pageOf[workload] ?? 1); page++) after = (await read(after)).next
  return {
    call: async () => (await read(after)).rows,
    close: () => pool.end(),
  }
}

const bench: Bench = {
  title: `reading one page of ${rowCount.toLocaleString('en-US')} rows`,
  settings: [
    `${pageSize} rows on a page, ordered by a time that a hundred rows share and by id, with an index on both`,
    'both on one connection of hotpath/postgres, prepared; every answer of the warm-up checked',
    'keyset: the SQL is written, the signed cursor read and the next one made for every page',
  ],
  peers: ['pg'],
  services: ['postgres'],
  rounds: 5,
  processes: 'per-run',
  prepare: async ({ url }) => {
    const { Client } = await import('pg')
    const client = new Client({ connectionString: url('postgres') })
    await client.connect()
    for (const statement of schema) await client.query(statement)
    await client.end()
  },
  workloads: { 'page-1': reading(1), 'page-1000': reading(1_000) },
  contenders: { offset: byOffset, keyset: byKeyset },
  baseline: 'offset',
  claims: [
    {
      claim: 'page 1,000 by keyset takes at most 1.2× what page 1 takes',
      value: (figures) =>
        figures.median('page-1', 'keyset', 'perSecond') /
        figures.median('page-1000', 'keyset', 'perSecond'),
      atMost: 1.2,
    },
  ],
}

export default bench
