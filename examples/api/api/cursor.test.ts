import { expect, test } from 'vitest'
import { cursorAfter, readCursor } from './cursor.ts'
import { maxId, readId } from './ids.ts'

test('a cursor leads back to the post it was made of', () => {
  for (const [time, id] of [
    ['2011-08-17T20:18:56.507Z', 1],
    ['1969-12-31T23:59:59.999Z', maxId],
    ['0001-01-01T00:00:00.000Z', 7],
    ['9999-12-31T23:59:59.999Z', 7],
  ] as const) {
    const cursor = cursorAfter({ createdAt: new Date(time), id })
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(readCursor(cursor)).toEqual({ createdAt: time, id })
  }
})

test('without a cursor, or with an empty one, the newest post comes first', () => {
  const newest = { createdAt: 'infinity', id: maxId }
  expect(readCursor(undefined)).toEqual(newest)
  expect(readCursor('')).toEqual(newest)
})

test.for([
  ['no base64', '***'],
  ['other contents', encode('hello')],
  ['a fraction', encode('1.5.7')],
  ['id 0', encode('1000.0')],
  ['an id above int4', encode(`1000.${maxId + 1}`)],
  ['a time after PostgreSQL’s', encode('999999999999999.7')],
  ['a time before the year 1', encode('-99999999999999.7')],
  ['leading zeros', encode('01000.7')],
  ['padding', `${cursorAfter({ createdAt: new Date(0), id: 12 })}=`],
  ['trailing characters', `${cursorAfter({ createdAt: new Date(0), id: 12 })}A`],
] as const)('refuses %s', ([, cursor]) => {
  expect(() => readCursor(cursor)).toThrow(expect.objectContaining({ statusCode: 400 }))
})

test('reads ids as they are written, and nothing else', () => {
  expect(readId('1')).toBe(1)
  expect(readId('2147483647')).toBe(maxId)
  const others = ['0', '-1', '01', '1.0', '1e3', '0x10', ' 1', '1 ', 'abc', '', '2147483648']
  for (const written of others) {
    expect(() => readId(written), written).toThrow(expect.objectContaining({ statusCode: 400 }))
  }
})

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
