import { existsSync, globSync } from 'node:fs'
import { startPostgres } from '@hotpath/services'
import { expect, test } from 'vitest'
import { createPool, explain } from '../../src/postgres/index.ts'

// The programs that come with the package know no extension of others. Debian has one for its server.
const programs = globSync('/usr/share/postgresql/*/extension/hypopg.control')
  .map((path) => `/usr/lib/postgresql/${path.split('/')[4]}/bin`)
  .find((folder) => existsSync(folder))

test('HypoPG tells whether a suggested index would help', async () => {
  if (programs === undefined) {
    throw new Error(
      'HypoPG is not there: apt-get install postgresql postgresql-15-hypopg, or of another version',
    )
  }
  await using postgres = await startPostgres({ programs, settings: { fsync: 'off' } })
  await using pool = createPool(postgres.url, { maxConnections: 1 })
  await pool.query(`
    create extension hypopg;
    create table posts (id int primary key, owner int not null, kind int not null);
    insert into posts select n, n % 5000, 1 from generate_series(1, 30000) as n`)
  await pool.query('vacuum analyze posts')

  const helped = await explain(pool, 'select * from posts where owner = 7')
  const [scan] = helped.sequentialScans
  expect(scan).toMatchObject({ columns: ['owner'], trial: { isUsed: true } })
  expect(scan?.trial?.totalCost).toBeLessThan(helped.totalCost / 5)

  // Every row has it: an index would not be used.
  const { sequentialScans } = await explain(pool, 'select * from posts where kind = 1')
  expect(sequentialScans).toMatchObject([{ columns: ['kind'], trial: { isUsed: false } }])

  const { rows } = await pool.query('select count(*)::int as left from hypopg()')
  expect(rows).toEqual([{ left: 0 }])
})
