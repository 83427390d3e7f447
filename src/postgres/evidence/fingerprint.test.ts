import { describe, expect, test } from 'vitest'
import { loadFingerprint, normalizeSql } from './fingerprint.ts'

const fingerprints = { parser: await loadFingerprint(), normalizer: normalizeSql }

describe.each(Object.entries(fingerprints))('by the %s', (_name, fingerprint) => {
  test.each([
    ['values', 'select * from users where id = 7', "select * from users where id = 'a''b'"],
    ['placeholders', 'select * from users where id = $1', 'select * from users where id = 7'],
    [
      'lists',
      'select 1 from users where id in ($1)',
      'select 1 from users where id in ($1, $2, 3)',
    ],
    ['layout', 'select id from users -- all\n', 'SELECT  id\n/* all /* of */ them */ FROM users'],
    ['numbers', 'select 1.5e3', 'select .25'],
  ])('%s do not count', (_what, one, other) => {
    expect(fingerprint(one)).toBe(fingerprint(other))
  })

  test.each([
    ['tables', 'select * from users where id = $1', 'select * from teams where id = $1'],
    ['columns', 'select * from users where id = $1', 'select * from users where age = $1'],
    ['operators', 'select * from users where id < $1', 'select * from users where id > $1'],
    ['quoted names', 'select "Id" from users', 'select id from users'],
  ])('%s count', (_what, one, other) => {
    expect(fingerprint(one)).not.toBe(fingerprint(other))
  })

  test('what is no SQL has a fingerprint too', () => {
    expect(fingerprint('selec "')).toBe(fingerprint('selec "'))
  })
})

test('values in dollar quotes, escaped strings and rows of values are values', () => {
  expect(normalizeSql("insert into t values ($a$it's$a$, e'\\'', -1), ($1, $2, 3)")).toBe(
    'insert into t values ( ? , - ? ) , ( ? )',
  )
  expect(normalizeSql('insert into t values ($1, $2), ($3, $4)')).toBe('insert into t values ( ? )')
})
