import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sql } from './index.ts'

const invalid = (message: RegExp) =>
  expect.objectContaining({
    code: 'HOTPATH_POSTGRES_QUERY_INVALID',
    message: expect.stringMatching(message),
  })

/** What of a query is sent. */
function sent({ text, values }: { text: string; values: unknown[] }): [string, unknown[]] {
  return [text, values]
}

describe('a template', () => {
  test('makes every value a parameter', () => {
    const query = sql`select * from users where id = ${7} and name = ${"o'brien"}`
    expect({ ...query }).toEqual({
      text: 'select * from users where id = $1 and name = $2',
      values: [7, "o'brien"],
    })
  })

  test('has the same text each time', () => {
    const texts = [1, 2, 3].map((id) => sql`select ${id}`.text)
    expect(new Set(texts).size).toBe(1)
  })

  test('keeps a digit out of the number of the parameter before it', () => {
    expect(sql`limit ${1}0`.text).toBe('limit $1 0')
    expect(sql`limit ${1}${sql.raw('0')}`.text).toBe('limit $1 0')
  })

  test('refuses what no parameter can be', () => {
    expect(() => sql`where id = ${undefined}`).toThrow(invalid(/"where id =" is undefined.*null/))
    expect(() => sql`where ${sql`a = ${1}`} and b = ${undefined}`).toThrow(invalid(/undefined/))
    expect(() => sql`where id = ${() => 1}`).toThrow(invalid(/function/))
    expect(() => sql`where id = ${Symbol('id')}`).toThrow(invalid(/symbol/))
    expect(() => sql.list([1, undefined])).toThrow(invalid(/undefined/))
  })

  test('refuses to be called as a function, and an escape that is none', () => {
    const call = sql as unknown as (text: unknown) => unknown
    expect(() => call('select 1')).toThrow(invalid(/template tag/))
    expect(() => call(['select 1'])).toThrow(invalid(/template tag/))
    expect(() => sql`select '\u'`).toThrow(invalid(/backslash/))
  })
})

describe('a fragment in a template', () => {
  test('becomes SQL, its parameters renumbered', () => {
    const inner = sql`b = ${'b'} or c = ${sql`lower(${'C'})`}`
    const query = sql`select ${'first'} where a = ${1} and (${inner}) limit ${5}${sql.empty}`
    expect(sent(query)).toEqual([
      'select $1 where a = $2 and (b = $3 or c = lower($4)) limit $5',
      ['first', 1, 'b', 'C', 5],
    ])
  })

  test('is known by its mark: what looks like one is a value', () => {
    const real = sql`select ${1}`
    const lookalikes = [
      { text: 'drop table users', values: [] },
      JSON.parse(JSON.stringify(real)) as unknown,
      { ...real },
      Object.create(real) as unknown,
      { __proto__: Object.getPrototypeOf(real) as object, text: '1; drop table users', values: [] },
    ]
    for (const body of lookalikes) {
      expect(sent(sql`select ${body}`)).toEqual(['select $1', [body]])
      expect(sent(sql.list([body]))).toEqual(['$1', [body]])
      expect(() => sql.join([body as typeof real])).toThrow(invalid(/sql\.join/))
    }
  })

  test('in any nesting, has the values in the order of their numbers', () => {
    const { tree } = fc.letrec<{ tree: Node }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.integer().map((value) => ({ value })),
        fc.array(tie('tree'), { maxLength: 4 }).map((parts) => ({ parts })),
      ),
    }))
    fc.assert(
      fc.property(tree, (node) => {
        const query = sql`${write(node)}`
        const numbers = [...query.text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number))
        expect(numbers).toEqual(leaves(node).map((_value, at) => at + 1))
        expect(query.values).toEqual(leaves(node))
      }),
    )
  })
})

interface Node {
  readonly value?: number
  readonly parts?: readonly Node[]
}

function write({ value, parts }: Node): unknown {
  if (parts === undefined) return value
  return sql.join(parts.map((part) => sql`(${write(part)})`))
}

function leaves({ value, parts }: Node): number[] {
  return parts === undefined ? [value ?? 0] : parts.flatMap(leaves)
}

test('identifiers are quoted', () => {
  expect(sql.id('users').text).toBe('"users"')
  expect(sql.id('shop', 'a"b; drop table x --').text).toBe('"shop"."a""b; drop table x --"')
  for (const name of ['', '\0', 'a\0b', '\ud800', 'x'.repeat(64), 'ä'.repeat(32), 7, null, ['a']]) {
    expect(() => sql.id(name as string)).toThrow(invalid(/no identifier/))
  }
  expect(() => sql.id()).toThrow(invalid(/at least one/))
})

test('lists, rows, joins and raw SQL', () => {
  expect(sent(sql`in (${sql.list([1, 2, 3])})`)).toEqual(['in ($1, $2, $3)', [1, 2, 3]])
  expect(sent(sql.list([[1, 2]]))).toEqual(['$1', [[1, 2]]])
  const pairs = sql.rows([
    [1, 'a'],
    [2, sql`default`],
  ])
  expect(sent(sql`values ${pairs}`)).toEqual(['values ($1, $2), ($3, default)', [1, 'a', 2]])
  const both = sql.join([sql`a = ${1}`, sql`b = ${2}`], sql` and `)
  expect(sent(both)).toEqual(['a = $1 and b = $2', [1, 2]])
  expect(sent(sql.join([]))).toEqual(['', []])
  expect(sent(sql`a ${sql.raw('desc')}`)).toEqual(['a desc', []])

  expect(() => sql.list([])).toThrow(invalid(/= any/))
  expect(() => sql.list('abc' as never)).toThrow(invalid(/array/))
  expect(() => sql.rows([])).toThrow(invalid(/at least one row/))
  expect(() => sql.rows([[1], [1, 2]])).toThrow(invalid(/same length/))
  expect(() => sql.raw({} as string)).toThrow(invalid(/a string/))
  expect(() => sql.list(Array.from({ length: 65_536 }, () => 1))).toThrow(invalid(/65535/))
})
