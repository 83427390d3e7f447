import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPool } from '../../src/postgres/index.ts'
import { useDatabase } from '../services.ts'

const { url } = await useDatabase()

// What is left of a session, as the next user of its connection sees it.
const traces = `select current_setting('search_path') as path,
    coalesce(current_setting('my.mark', true), '') as mark,
    to_regclass('pg_temp.scratch')::text as scratch,
    (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks`
const none = [{ path: '"$user", public', mark: '', scratch: null, locks: 0 }]

const changes = [
  'set search_path to elsewhere',
  'SET SESSION my.mark = 1',
  "select set_config('my.mark', 'x', false)",
  'create temp table scratch (id int)',
  'select 1 as id into temporary scratch',
  "do $$ begin perform set_config('my.mark', 'x', false); end $$",
  'select pg_advisory_lock(1)',
]
const wrappings: ((text: string) => string)[] = [
  (text) => text,
  (text) => `/* a comment */ ${text}`,
  (text) => `-- a comment\n${text} -- and another`,
  (text) => `  ${text};  `,
  (text) => `select 1; ${text}`,
  (text) => `${text}; select 2`,
  (text) => `select 1; -- then\n /* this */ ${text}`,
]

test('whatever is sent, nobody finds his session altered by somebody else', async () => {
  await using pool = createPool(url, { minConnections: 1, maxConnections: 2 })
  let altered = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...changes),
      fc.array(fc.constantFrom(...wrappings), { maxLength: 3 }),
      async (change, wrapped) => {
        const text = wrapped.reduce((inner, wrap) => wrap(inner), change)
        await pool.query(text).then(
          () => altered++,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'HOTPATH_POSTGRES_QUERY_INVALID' })
          },
        )
        for (const { rows } of await Promise.all([pool.query(traces), pool.query(traces)])) {
          expect(rows).toEqual(none)
        }
      },
    ),
    { numRuns: 80 },
  )
  expect(pool.stats().closed.session).toBe(altered)
})

test('what belongs to one session is refused', async () => {
  await using pool = createPool(url)
  for (const text of ['listen news', 'select pg_advisory_lock(1)', 'begin']) {
    await expect(pool.query(text)).rejects.toMatchObject({
      code: 'HOTPATH_POSTGRES_QUERY_INVALID',
      message: expect.stringContaining('pool.connect()'),
    })
  }
})
