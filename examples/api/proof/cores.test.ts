import { expect, test } from 'vitest'
import { parseCoreList } from './cores.ts'

test('reads lists of cores as Linux writes them', () => {
  expect(parseCoreList('0-1')).toEqual([0, 1])
  expect(parseCoreList('0-2,8,10-11')).toEqual([0, 1, 2, 8, 10, 11])
  expect(parseCoreList('3')).toEqual([3])
  expect(parseCoreList('')).toEqual([])
})
