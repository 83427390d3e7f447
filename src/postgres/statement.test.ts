import { describe, expect, test } from 'vitest'
import { readStatement } from './statement.ts'

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
    'select pg_try_advisory_xact_lock(1)',
    "select set_config('search_path', 'other', false)",
    "select nextval('ids')",
    "select * from dblink('other', 'delete from users') as gone (id int)",
    'select note($1)',
    'select "Note"($1)',
    'select U&"d\\0061ta"($1)',
    'select "a""b"($1)',
    'set search_path to other',
    'create temp table t (id int)',
    'call do_it()',
    'explain analyze delete from users',
    'begin; insert into users values (1); commit',
    '/* /* nested */ select */ begin',
    '',
  ])('%s travels alone', (text) => {
    expect(readStatement(text).travel).toBe('alone')
  })

  test.each([
    'begin',
    'START TRANSACTION',
    ' commit;',
    '-- so\nrollback',
    'savepoint a',
    'end',
    'listen news',
    'declare c cursor for select 1',
    'select pg_advisory_lock(1)',
    'with l as (select pg_try_advisory_lock_shared(1)) select * from l',
  ])('%s belongs to a client of its own', (text) => {
    expect(readStatement(text).travel).toBe('transaction')
  })
})

test.each([
  ['copy users from stdin', 'copy'],
  ['copy (select 1) to stdout with (format csv)', 'copy'],
  ["copy users from '/tmp/users'", 'alone'],
])('%s: %s', (text, travel) => {
  expect(readStatement(text).travel).toBe(travel)
})

describe('the functions that a read calls', () => {
  test.each([
    ['select count(*), lower(name) from users where id in (1, 2)', []],
    ['select note(1), app.count(2), pg_catalog . now()', ['note', 'count', 'now']],
    ['select Note /* or so */ (1), other -- ( \n (2)', ['note', 'other']],
    ['select "No te" (1), "count"(2)', ['No te', 'count']],
    [`select '"', "f"(1), '--', g(2), '"('`, ['g', 'f', "(1), '--', g(2), '"]],
    ['select größe(1), a$1(2), _x(3)', ['größe', 'a$1', '_x']],
    [`select '${'a '.repeat(2_000)}', f(1)`, ['f']],
  ])('%s', (text, functions) => {
    expect(readStatement(text).functions).toEqual(functions)
  })

  test('are read in a time that grows with the length of the text', () => {
    const { functions } = readStatement(
      `select '${'a'.repeat(5_000)}${'"'.repeat(1)}${' '.repeat(9_000)}'`,
    )
    expect(functions).toEqual([])
  })
})

describe('what alters the session', () => {
  test.each([
    'set search_path to other',
    '/* a */ SET /* b */ search_path to other',
    'reset all',
    "select set_config('a.b', 'c', false)",
    "with s as (select set_config('a.b', 'c', false)) select * from s",
    'create temp table t (id int)',
    'create local temporary table t (id int)',
    'select 1 as one into temp t',
    'select 1; -- then\nset a.b to c',
    "do $$ begin perform set_config('a.b', 'c', false); end $$",
    'prepare p as select 1',
    'select 1; select pg_advisory_lock(1)',
  ])('%s', (text) => {
    const { travel, altersSession } = readStatement(text)
    expect({ travel, altersSession }).toEqual({ travel: 'alone', altersSession: true })
  })

  test.each([
    'select 1',
    'update users set name = $1',
    'begin; set local a.b to c; commit',
    'insert into templates values (1)',
    'select pg_advisory_xact_lock(1)',
  ])('%s does not', (text) => {
    expect(readStatement(text).altersSession).toBe(false)
  })
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
    ["select dblink_exec('other', 'delete from users')", false],
    ['create index concurrently on users (name)', false],
    ['insert into notes values (1); commit; select pg_sleep(60)', false],
  ])('%s: %s', (text, isAtomic) => {
    expect(readStatement(text).isAtomic).toBe(isAtomic)
  })
})
