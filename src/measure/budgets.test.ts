import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  components,
  createManualClock,
  listen,
  type HotpathEvents,
  type ManualClock,
} from '../core/index.ts'
import {
  createBudgets,
  type Budgets,
  type BudgetsOptions,
  type EndedRequest,
  type UrlScheme,
} from './index.ts'

type Turn = HotpathEvents['hotpath:measure:budget']

let clock: ManualClock
let budgets: Budgets
let turns: Turn[]
let stop: () => void

beforeEach(() => {
  clock = createManualClock()
  turns = []
  stop = listen('hotpath:measure:budget', (event) => turns.push(event))
})
afterEach(async () => {
  stop()
  await budgets.close()
})

function make(options: BudgetsOptions = {}): void {
  budgets = createBudgets({ clock, minSamples: 20, ...options })
}

function answer(count: number, durationMs: number, request: Partial<EndedRequest> = {}): void {
  for (let n = 0; n < count; n++) {
    budgets.record({
      method: 'GET',
      route: '/users/:id',
      kind: 'simple',
      isBroken: false,
      cacheVerdict: undefined,
      durationMs,
      ...request,
    })
  }
}

const found = (subject = 'GET /users/:id') =>
  budgets.stats().budgets.filter((report) => report.subject === subject)

describe('a route', () => {
  test.each([
    ['simple', 100],
    ['database', 200],
    ['cached', 50],
  ] as const)('has a budget for its %s requests: %d ms', (kind, budgetMs) => {
    make()
    answer(20, budgetMs, { kind })
    expect(found()).toEqual([
      {
        subject: 'GET /users/:id',
        kind,
        state: 'met',
        samples: 20,
        p95Ms: expect.closeTo(budgetMs, -1) as unknown,
        budgetMs,
      },
    ])
    answer(2, budgetMs + 0.001, { kind })
    expect(found()[0]).toMatchObject({ state: 'missed', samples: 22 })
  })

  test.each([
    [95, 5, 'met'],
    [94, 6, 'missed'],
    [19, 1, 'met'],
    [38, 3, 'missed'],
  ])('%d within and %d over the budget: %s', (within, over, state) => {
    make()
    answer(within, 100)
    answer(over, 5_000)
    expect(found()[0]?.state).toBe(state)
  })

  test('is not judged by too few, and shows them all the same', () => {
    make()
    answer(19, 500)
    expect(found()[0]).toMatchObject({ state: 'not enough data', samples: 19 })
    answer(1, 500)
    expect(found()[0]).toMatchObject({ state: 'missed', samples: 20 })
  })

  test('forgets what is older than the window', () => {
    make()
    answer(20, 500)
    clock.advance(49_999)
    expect(found()[0]).toMatchObject({ state: 'missed' })
    clock.advance(10_001)
    expect(found()[0]).toMatchObject({ state: 'not enough data', samples: 0, p95Ms: undefined })
  })

  test('is judged by what failed only where the budget was spent before', () => {
    make()
    answer(20, 80)
    answer(50, 1, { isBroken: true })
    expect(found()[0]).toMatchObject({ state: 'met', samples: 20 })
    answer(2, 101, { isBroken: true })
    expect(found()[0]).toMatchObject({ state: 'missed', samples: 22 })
  })

  test('has a budget of its own where it is told, for what its handler answers', () => {
    make({
      routes: {
        '/reports': { p95Ms: 2_000 },
        'POST /reports': { p95Ms: 5_000 },
        '/legacy': { kind: 'database' },
        '/events': false,
      },
    })
    answer(1, 1, { route: '/reports', kind: 'database' })
    answer(1, 1, { route: '/reports', kind: 'cached' })
    answer(1, 1, { route: '/reports', method: 'POST' })
    answer(1, 1, { route: '/legacy' })
    answer(1, 1, { route: '/events' })
    const shown = budgets
      .stats()
      .budgets.map((report) => [
        report.subject,
        report.kind,
        'budgetMs' in report && report.budgetMs,
      ])
    expect(shown).toEqual([
      ['GET /reports', 'database', 2_000],
      ['GET /reports', 'cached', 50],
      ['POST /reports', 'simple', 5_000],
      ['GET /legacy', 'database', 200],
    ])
    expect(budgets.budgetMs({ method: 'GET', route: '/events', kind: 'simple' })).toBeUndefined()
  })

  test('has a hit ratio where the response cache has a say', () => {
    make()
    answer(16, 1, { kind: 'cached', cacheVerdict: 'hit' })
    answer(4, 1, { cacheVerdict: 'miss' })
    const ratio = () => found().find(({ kind }) => kind === 'hit ratio')
    expect(ratio()).toMatchObject({ state: 'met', samples: 20, hitRatio: 0.8, budgetRatio: 0.8 })
    answer(1, 1, { cacheVerdict: 'miss' })
    expect(ratio()).toMatchObject({ state: 'missed' })
  })
})

test('who has waited for the handler of another request goes by what that one was', () => {
  make()
  answer(1, 150, { kind: 'database', cacheVerdict: 'miss' })
  answer(4, 150, { kind: 'simple', cacheVerdict: 'collapsed' })
  expect(found().map(({ kind, samples }) => [kind, samples])).toEqual([
    ['database', 5],
    ['hit ratio', 5],
  ])
})

test('routes beyond the most that are kept share one budget', () => {
  make({ maxRoutes: 2 })
  for (let n = 0; n < 1_000; n++) answer(1, 1, { route: `/${n}` })
  answer(1, 1, { route: undefined })
  expect(budgets.stats().budgets.map(({ subject, samples }) => [subject, samples])).toEqual([
    ['GET /0', 1],
    ['GET /1', 1],
    ['(other routes)', 999],
  ])
})

test('durations are kept apart for two schemes, and for no others', () => {
  make()
  for (const scheme of [undefined, 'http', 'https', 'gopher'] as UrlScheme[]) {
    answer(1, 1, { scheme })
  }
  expect(budgets.stats().requests).toMatchObject([
    { scheme: 'http', durations: { count: 3 } },
    { scheme: 'https', durations: { count: 1 } },
  ])
})

test('requests that no route answers are judged together', () => {
  make()
  answer(3, 1, { route: undefined })
  expect(found('GET (no route)')).toMatchObject([{ samples: 3 }])
})

describe('components', () => {
  test('a latency of their own', () => {
    make()
    const search = budgets.component('search', { p95Ms: 30 })
    for (let n = 0; n < 20; n++) search.record(31)
    expect(found('search')).toMatchObject([{ kind: 'component', state: 'missed', budgetMs: 30 }])
    expect(() => budgets.component('search', { p95Ms: 30 })).toThrow('that of no other component')
  })

  test('the hit ratio of a cache, of what it counts from now on', () => {
    make()
    const counts = { hits: 1_000, misses: 0 }
    budgets.cache('users', () => counts, { hitRatio: 0.5 })
    counts.hits += 9
    counts.misses += 11
    expect(found('users')).toMatchObject([{ samples: 20, hitRatio: 0.45, state: 'missed' }])
    clock.advance(30_000)
    counts.hits += 2
    expect(found('users')).toMatchObject([{ samples: 22, hitRatio: 0.5, state: 'met' }])
    clock.advance(30_000)
    expect(found('users')).toMatchObject([{ samples: 2, state: 'not enough data' }])
  })

  test('a cache whose counts cannot be read has nothing new, and the timer goes on', () => {
    make()
    let isBroken = false
    budgets.cache('users', () => {
      if (isBroken) throw new Error('no counts today')
      return { hits: 20, misses: 0 }
    })
    isBroken = true
    clock.advance(30_000)
    expect(found('users')).toMatchObject([{ samples: 0, state: 'not enough data' }])
  })
})

test('an event says when a budget turns, and not again while it stays', () => {
  make({ name: 'edge' })
  answer(20, 1)
  clock.advance(10_000)
  clock.advance(10_000)
  answer(2, 900)
  clock.advance(10_000)
  clock.advance(60_000)
  expect(turns.map(({ before, state }) => [before, state])).toEqual([
    ['not enough data', 'met'],
    ['met', 'missed'],
    ['missed', 'not enough data'],
  ])
  expect(turns[1]).toEqual({
    budgets: 'edge',
    subject: 'GET /users/:id',
    kind: 'simple',
    state: 'missed',
    before: 'met',
    samples: 22,
    measured: expect.closeTo(900, -2) as unknown,
    budget: 100,
  })
})

test('are in the registry until they are closed, and judge nothing afterwards', async () => {
  make()
  answer(20, 500)
  const registered = () => components().filter(({ kind }) => kind === 'budgets')
  expect(registered().map(({ stats }) => stats())).toMatchObject([
    { met: 0, missed: 1, notEnoughData: 0 },
  ])
  await budgets.close()
  expect(registered()).toEqual([])
  clock.advance(60_000)
  expect(turns).toEqual([])
})

test.each([
  [{ simpleMs: 0 }, 'simpleMs must be a duration'],
  [{ hitRatio: 80 }, 'hitRatio must be above 0 and at most 1'],
  [{ minSamples: 0 }, 'minSamples must be a whole number of at least 1'],
  [{ routes: { '/a': { p95: 1 } } }, 'has no option'],
  [{ routes: { '/a': { kind: 'cached' } } }, "must be 'simple' or 'database'"],
])('refuses %j', (options, message) => {
  make()
  expect(() => createBudgets(options as BudgetsOptions)).toThrow(message)
})
