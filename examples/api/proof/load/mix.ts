import { Random } from '../../data/random.ts'
import type { Catalogue } from '../catalogue.ts'
import type { LoadRequest } from './request.ts'
import { createZipf } from './zipf.ts'

/** How skewed popularity is: rank k is asked for in proportion to 1 / k^1. */
export const zipfExponent = 1

/** The mixed load: what is asked for, and how often, in percent. 5 % are writes. */
export const mixShares = {
  'GET /api/questions/:id': 40,
  'GET /api/users/:id': 20,
  'GET /api/questions': 14,
  'GET /api/questions?tag=': 6,
  'GET /api/users/:id/posts': 12,
  'GET /api/stats/tags': 3,
  'PATCH /api/users/:id': 0.5,
  'POST /api/questions/:id/votes': 4.5,
} as const

/** Not the requests of the rounds. */
const warmUpSeed = 9_000

type MixRoute = keyof typeof mixShares

/** Draws requests of the mixed load; the same seed draws the same ones. */
export function drawMix(catalogue: Catalogue, count: number, seed: number): LoadRequest[] {
  const random = new Random(seed)
  const { targets } = catalogue
  const drawRoute = createRouteDraw(random)
  const zipf = <T>(ranked: readonly T[]) => createZipf(ranked, zipfExponent, random)
  const user = zipf(catalogue.users)
  const question = zipf(catalogue.questions)
  const tag = zipf(catalogue.tags)
  const writableUser = zipf(
    without(
      catalogue.users,
      targets.map(({ ownerId }) => ownerId),
    ),
  )
  const writableQuestion = zipf(
    without(
      catalogue.questions,
      targets.map(({ questionId }) => questionId),
    ),
  )

  const requests: Record<MixRoute, () => LoadRequest> = {
    'GET /api/questions/:id': () => get(`/api/questions/${question()}`),
    'GET /api/users/:id': () => get(`/api/users/${user()}`),
    'GET /api/questions': () => get('/api/questions'),
    'GET /api/questions?tag=': () => get(`/api/questions?tag=${encodeURIComponent(tag())}`),
    'GET /api/users/:id/posts': () => get(`/api/users/${user()}/posts`),
    'GET /api/stats/tags': () => get('/api/stats/tags'),
    'PATCH /api/users/:id': () => ({
      method: 'PATCH',
      path: `/api/users/${writableUser()}`,
      body: JSON.stringify({ name: `Renamed ${random.below(1_000)}` }),
    }),
    'POST /api/questions/:id/votes': () => ({
      method: 'POST',
      path: `/api/questions/${writableQuestion()}/votes`,
      body: JSON.stringify({ value: random.chance(0.8) ? 1 : -1 }),
    }),
  }
  return Array.from({ length: count }, () => {
    const route = drawRoute()
    return { ...requests[route](), route }
  })
}

/**
 * The pages that the mixed load asks for most often, the very most often last: what minutes of it
 * would leave in a cache that holds `count` of them.
 */
export function mostAsked(catalogue: Catalogue, count: number): LoadRequest[] {
  const reads = drawMix(catalogue, 10 * count, warmUpSeed).filter(({ method }) => method === 'GET')
  const byPath = Object.values(Object.groupBy(reads, ({ path }) => path))
  return byPath
    .toSorted((a = [], b = []) => b.length - a.length)
    .slice(0, count)
    .toReversed()
    .flatMap((same = []) => same.slice(0, 1))
}

function createRouteDraw(random: Random): () => MixRoute {
  const shares = Object.entries(mixShares) as [MixRoute, number][]
  return () => {
    let rest = random.next() * 100
    for (const [route, share] of shares) {
      rest -= share
      if (rest < 0) return route
    }
    return 'GET /api/questions/:id'
  }
}

function without(ids: readonly number[], reserved: readonly number[]): number[] {
  return ids.filter((id) => !reserved.includes(id))
}

function get(path: string): LoadRequest {
  return { method: 'GET', path }
}
