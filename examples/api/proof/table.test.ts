import { describe, expect, test } from 'vitest'
import { formatFigure, formatGain, formatTable } from './table.ts'

describe('table', () => {
  test('sets columns: names to the left, figures to the right', () => {
    expect(
      formatTable([
        ['', 'naive', 'hotpath'],
        ['a query', '50', '2'],
        ['the whole API', '1,200', '12,000'],
      ]),
    ).toBe(
      [
        '               naive  hotpath',
        'a query           50        2',
        'the whole API  1,200   12,000',
      ].join('\n'),
    )
  })

  test('shows three digits that count', () => {
    expect([12_437, 134.6, 3.412, 0.08712, 0].map(formatFigure)).toEqual([
      '12,400',
      '135',
      '3.41',
      '0.0871',
      '0',
    ])
  })

  test('shows what was not measured as such', () => {
    expect(formatFigure(Number.NaN)).toBe('n/a')
    expect(formatGain(1 / 0)).toBe('n/a')
    expect(formatGain(12.34)).toBe('12.3×')
  })
})
