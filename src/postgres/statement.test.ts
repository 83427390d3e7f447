import { describe, expect, test } from 'vitest'
import { learn, readStatement } from './statement.ts'

describe('how a query may travel', () => {
  test.each([
    'select 1',
    '  SELECT id from users where id = $1;  ',
    '-- the newest\nselect * from posts',
    '/* route:/users */ select 1',
    '(select 1) union (select 2)',
    'with newest as (select 1) select * from newest',
    'values (1), (2)',
    'table users',
    'select updated_at, is_deleted from posts',
  ])('%s is a read', (text) => {
    expect(readStatement(text).travel).toBe('read')
  })

  test.each([
    'insert into users values (1)',
    'update users set name = $1',
    'with gone as (delete from posts returning id) select * from gone',
    'select * from users for update',
    'select * from users for no key update',
    'select * from users for share',
    'select * into copy from users',
    'select 1; select 2',
    "select ';x'",
    'select pg_advisory_lock(1)',
    'select pg_try_advisory_xact_lock(1)',
    "select set_config('search_path', 'other', false)",
    "select nextval('ids')",
    'set search_path to other',
    'listen news',
    'create temp table t (id int)',
    'call do_it()',
    'explain analyze delete from users',
    'declare c cursor for select 1',
    'begin; insert into users values (1); commit',
    '/* /* nested */ select */ begin',
    '',
  ])('%s travels alone', (text) => {
    expect(readStatement(text).travel).toBe('alone')
  })

  test.each(['begin', 'START TRANSACTION', ' commit;', '-- so\nrollback', 'savepoint a', 'end'])(
    '%s belongs to a client of its own',
    (text) => {
      expect(readStatement(text).travel).toBe('transaction')
    },
  )
})

describe('what may be prepared', () => {
  test.each([
    ['select 1', true],
    ['insert into users values ($1)', true],
    ['select 1; select 2', false],
    ['create table t (id int)', false],
    ['listen news', false],
  ])('%s: %s', (text, isPreparable) => {
    expect(readStatement(text).isPreparable).toBe(isPreparable)
  })
})

describe('what is cancelled has no effect, unless it may have committed before', () => {
  test.each([
    ['select 1', true],
    ["insert into notes values ('commit')", true],
    ['create table t (id int)', true],
    ['update a set b = 1; update c set d = 2', true],
    ['call do_it()', false],
    ['do $$ begin commit; end $$', false],
    ['vacuum', false],
    ['create index concurrently on users (name)', false],
    ['insert into notes values (1); commit; select pg_sleep(60)', false],
  ])('%s: %s', (text, isAtomic) => {
    expect(readStatement(text).isAtomic).toBe(isAtomic)
  })
})

test('the usual time follows a changed habit within a few dozen runs', () => {
  const statement = readStatement('select 1')
  for (let run = 0; run < 64; run++) learn(statement, 10)
  expect(statement.usualMs).toBeGreaterThan(9)
  for (let run = 0; run < 64; run++) learn(statement, 0.1)
  expect(statement.usualMs).toBeLessThan(1)
})
