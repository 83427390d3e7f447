import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KeysetOptions } from './keyset-options.ts'
import { keyset } from './keyset.ts'

const row = { id: 7, hotpath_position: '["7"]' }

// Answers with two rows, so that a page of one has a next; keeps what it was asked.
function open() {
  const asked: { text: string; values: unknown[] }[] = []
  return {
    asked,
    query: async (text: string, values: unknown[]) => {
      asked.push({ text, values })
      return { rows: [{ ...row }, { ...row, id: 8 }] }
    },
  }
}

async function cursorOf(options: Partial<KeysetOptions> = {}): Promise<string> {
  const page = keyset({ orderBy: ['id'], limit: 1, ...options })
  const { next = '' } = await page.query(open(), 'select id from t')
  return next
}

const read = (after: unknown, options: Partial<KeysetOptions> = {}) =>
  keyset({ orderBy: ['id'], limit: 1, after: after as string, ...options })

describe('the SQL', () => {
  test('of one direction without nulls is a row comparison, behind the parameters of the query', async () => {
    const pool = open()
    const orderBy = [
      { column: 'at', direction: 'desc' as const },
      { column: 'i"d', direction: 'desc' as const },
    ]
    const first = keyset({ orderBy, limit: 1 })
    const answer = {
      rows: [1, 2].map(() => ({ hotpath_position: '["2026-01-01T00:00:00.000001","9"]' })),
    }
    const { next } = await first.query({ query: async () => answer }, 'select')
    await keyset({ orderBy, limit: 1, after: next }).query(pool, 'select * from t where x = $1', [
      'x',
    ])
    expect(pool.asked[0]?.values).toEqual(['x', '2026-01-01T00:00:00.000001', '9'])
    expect(pool.asked[0]?.text).toContain(
      'where ("at", "i""d") < ($2, $3) order by "at" desc, "i""d" desc limit 2',
    )
  })

  test('a page has its own rows only, without what the cursor is made of', async () => {
    const { rows } = await keyset({ orderBy: ['id'], limit: 1 }).query(open(), 'select id from t')
    expect(rows).toEqual([{ id: 7 }])
  })
})

describe('a cursor', () => {
  test('is read where it was made for, signed or not', async () => {
    expect(() => read('')).toThrow('damaged')
    expect(await cursorOf()).toMatch(/^[\w-]+$/)
    read(await cursorOf())
    read(await cursorOf({ secret: 's' }), { secret: 's' })
  })

  const payload = (...values: unknown[]) =>
    Buffer.from(JSON.stringify(values)).toString('base64url')

  test.each<[string, (cursor: string) => unknown, Partial<KeysetOptions>]>([
    ['no text', () => ['a'], {}],
    ['of another order', (cursor) => cursor, { orderBy: ['name'] }],
    [
      'of the other direction',
      (cursor) => cursor,
      { orderBy: [{ column: 'id', direction: 'desc' }] },
    ],
    ['no JSON', () => 'abc', {}],
    ['no list', () => Buffer.from('{}').toString('base64url'), {}],
    ['of version 0', () => payload(0, 'x', '1'), {}],
    ['with a value too many', (cursor) => rewrite(cursor, (values) => values.push('1')), {}],
    ['with a number', (cursor) => rewrite(cursor, (values) => (values[2] = 1)), {}],
    ['with a null', (cursor) => rewrite(cursor, (values) => (values[2] = null)), {}],
    ['with a zero character', (cursor) => rewrite(cursor, (values) => (values[2] = '\0')), {}],
    ['not signed', (cursor) => cursor, { secret: 's' }],
    ['signed with another secret', (cursor) => signed(cursor, 'other'), { secret: 's' }],
    ['signed in part', (cursor) => signed(cursor, 's').slice(0, -1), { secret: 's' }],
    ['signed and altered', (cursor) => `x${signed(cursor, 's')}`, { secret: 's' }],
  ])('%s is refused, and the error tells nothing of it', async (_what, alter, options) => {
    const cursor = alter(await cursorOf())
    expect(() => read(cursor, options)).toThrow(
      expect.objectContaining({
        code: 'HOTPATH_POSTGRES_CURSOR_INVALID',
        message: expect.stringMatching(/^the cursor cannot be used: [a-z ]+; begin again/),
      }),
    )
  })

  test.each([
    ['null where no null was foreseen', '[null]'],
    ['an array', '[[1]]'],
  ])('of an edge that is %s is not made', async (_what, hotpath_position) => {
    const pool = { query: async () => ({ rows: [{ hotpath_position }, { hotpath_position }] }) }
    await expect(keyset({ orderBy: ['id'], limit: 1 }).query(pool, 'select')).rejects.toMatchObject(
      { code: 'HOTPATH_POSTGRES_QUERY_INVALID' },
    )
  })
})

test.each<[string, Partial<KeysetOptions>]>([
  ['orderBy', { orderBy: [] }],
  ['orderBy', { orderBy: ['id', 'id'] }],
  ['orderBy', { orderBy: [{ column: 'id', sort: 1 } as never] }],
  ['column', { orderBy: [''] }],
  ['direction', { orderBy: [{ column: 'id', direction: 'up' as never }] }],
  ['nulls', { orderBy: [{ column: 'id', nulls: true as never }] }],
  ['limit', { limit: 0 }],
  ['limit', { limit: 10_001 }],
  ['secret', { secret: '' }],
  ['after', { after: 'a', before: 'b' }],
  ['offset', { offset: 1 } as never],
])('refuses %s that is wrong', (name, options) => {
  expect(() => keyset({ orderBy: ['id'], limit: 1, ...options })).toThrow(
    expect.objectContaining({
      code: 'HOTPATH_OPTION_INVALID',
      message: expect.stringContaining(name),
    }),
  )
})

function rewrite(cursor: string, change: (values: unknown[]) => unknown): string {
  const values = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
  change(values)
  return Buffer.from(JSON.stringify(values)).toString('base64url')
}

function signed(text: string, secret: string): string {
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
