import { describe, expect, test } from 'vitest'
import type { Catalogue } from '../catalogue.ts'
import { drawMix, mixShares, mostAsked } from './mix.ts'

const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const catalogue: Catalogue = {
  counts: { users: 100, posts: 200 },
  users: ids(100),
  questions: ids(200),
  tags: ['grammar', 'c++'],
  authors: ids(50),
  targets: [{ questionId: 1, ownerId: 1, tag: 'grammar' }],
}

describe('the mixed load', () => {
  test('has shares that add up to 100, 5 of them writes', () => {
    const shares = Object.entries(mixShares)
    const total = (of: typeof shares) => of.reduce((sum, [, share]) => sum + share, 0)
    expect(total(shares)).toBe(100)
    expect(total(shares.filter(([route]) => !route.startsWith('GET ')))).toBe(5)
  })

  test('is drawn in these shares', () => {
    const requests = drawMix(catalogue, 20_000, 1)
    const share = (matches: RegExp) =>
      (100 * requests.filter(({ method, path }) => matches.test(`${method} ${path}`)).length) /
      requests.length
    expect(share(/^GET \/api\/questions\/\d+$/)).toBeCloseTo(40, 0)
    expect(share(/^GET \/api\/questions\?tag=(grammar|c%2B%2B)$/)).toBeCloseTo(6, 0)
    expect(share(/^(PATCH|POST) /)).toBeCloseTo(5, 0)
  })

  test('is the same for the same seed, and another for another', () => {
    expect(drawMix(catalogue, 50, 7)).toEqual(drawMix(catalogue, 50, 7))
    expect(drawMix(catalogue, 50, 7)).not.toEqual(drawMix(catalogue, 50, 8))
  })

  test('reads what the staleness check writes, and never writes it', () => {
    const requests = drawMix(catalogue, 20_000, 1)
    const toTargets = requests.filter(({ path }) =>
      ['/api/users/1', '/api/questions/1', '/api/questions/1/votes'].includes(path),
    )
    expect(toTargets.length).toBeGreaterThan(100)
    expect(toTargets.filter(({ method }) => method !== 'GET')).toEqual([])
  })
})

describe('what is asked for most', () => {
  test('comes last, once, and never more than wanted', () => {
    const pages = mostAsked(catalogue, 20)
    expect(pages).toHaveLength(20)
    expect(new Set(pages.map(({ path }) => path)).size).toBe(20)
    expect(pages.at(-1)?.path).toBe('/api/questions')
    expect(pages.every(({ method }) => method === 'GET')).toBe(true)
  })
})
