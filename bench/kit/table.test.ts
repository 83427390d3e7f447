import { expect, test } from 'vitest'
import { alignedTable, readable } from './table.ts'

test('the first column stands left, the others right', () => {
  const table = alignedTable([
    ['', 'calls/s', 'p99'],
    ['pg.Pool', '9,500', '1.20'],
    ['a longer name', '43,636', '12.00'],
  ])
  expect(table.split('\n')).toEqual([
    '               calls/s    p99',
    'pg.Pool          9,500   1.20',
    'a longer name   43,636  12.00',
  ])
})

test('numbers have separators and as many digits as asked for', () => {
  expect(readable(43_636.4, 0)).toBe('43,636')
  expect(readable(0.5, 2)).toBe('0.50')
})
