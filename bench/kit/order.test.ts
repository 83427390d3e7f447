import { expect, test } from 'vitest'
import { orderOfRound } from './order.ts'

test('each round begins with the contender that ended the last', () => {
  const rounds = [0, 1, 2, 3].map((round) => orderOfRound(['A', 'B', 'C'], round).join(''))
  expect(rounds).toEqual(['ABC', 'CAB', 'BCA', 'ABC'])
})

test('every contender takes every place equally often', () => {
  const contenders = ['A', 'B', 'C', 'D', 'E']
  const rounds = contenders.map((_, round) => orderOfRound(contenders, round))
  for (const place of contenders.keys()) {
    expect(new Set(rounds.map((order) => order[place])).size).toBe(contenders.length)
  }
})
