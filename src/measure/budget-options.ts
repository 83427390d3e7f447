import {
  invalid,
  knownOptions,
  nonEmptyString,
  positiveInteger,
  positiveMs,
  systemClock,
  timerMs,
  type Clock,
} from '../core/index.ts'

/** What {@link createBudgets} goes by. */
export interface BudgetsOptions {
  /**
   * Names the budgets in `stats()` and in events.
   *
   * @defaultValue 'budgets'
   */
  name?: string | undefined
  /**
   * The budget, in milliseconds at p95, of requests that neither the response cache has answered nor
   * a database was asked for.
   *
   * @defaultValue 100
   */
  simpleMs?: number | undefined
  /**
   * The budget, in milliseconds at p95, of requests that have asked a database.
   *
   * @defaultValue 200
   */
  databaseMs?: number | undefined
  /**
   * The budget, in milliseconds at p95, of requests that the response cache has answered.
   *
   * @defaultValue 50
   */
  cachedMs?: number | undefined
  /**
   * The share, above 0 and at most 1, of the requests to a cached route that its cache has to answer.
   *
   * @defaultValue 0.8
   */
  hitRatio?: number | undefined
  /**
   * Routes that have a budget of their own, by pattern (`/reports/:id`) or by method and pattern
   * (`GET /reports/:id`, which counts more); `false` for none, for a stream of events say.
   *
   * @defaultValue {}
   */
  routes?: Readonly<Record<string, RouteBudget | false>> | undefined
  /**
   * How far back, in milliseconds, a verdict looks.
   *
   * @defaultValue 60_000
   */
  windowMs?: number | undefined
  /**
   * Fewer than so many within the window are not judged.
   *
   * @defaultValue 100
   */
  minSamples?: number | undefined
  /**
   * Routes that are judged by themselves; all that come after share the budgets of `(other routes)`.
   * Each takes 9 kB for each kind of request that it has had.
   *
   * @defaultValue 200
   */
  maxRoutes?: number | undefined
  /** @defaultValue the real time */
  clock?: Clock | undefined
}

/** The budget of one route. */
export interface RouteBudget {
  /**
   * The budget, in milliseconds at p95, of what the route's handler answers. What the response cache
   * answers goes by `cachedMs`.
   *
   * @defaultValue that of the kind
   */
  p95Ms?: number | undefined
  /**
   * What the route's requests are where it cannot be seen: they ask a database by other means than a
   * pool of `createPool`.
   *
   * @defaultValue what each request has done
   */
  kind?: 'simple' | 'database' | undefined
}

/** {@link BudgetsOptions}, complete and checked. */
export interface ResolvedBudgetsOptions {
  readonly name: string
  readonly latencyMs: Readonly<Record<'simple' | 'database' | 'cached', number>>
  readonly hitRatio: number
  readonly routes: ReadonlyMap<string, RouteBudget | false>
  readonly windowMs: number
  readonly minSamples: number
  readonly maxRoutes: number
  readonly clock: Clock
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveBudgetsOptions(options: BudgetsOptions): ResolvedBudgetsOptions {
  knownOptions('createBudgets', options, [
    'name',
    'simpleMs',
    'databaseMs',
    'cachedMs',
    'hitRatio',
    'routes',
    'windowMs',
    'minSamples',
    'maxRoutes',
    'clock',
  ])
  const { simpleMs = 100, databaseMs = 200, cachedMs = 50, hitRatio = 0.8, routes = {} } = options
  const { name = 'budgets', windowMs = 60_000, minSamples = 100, maxRoutes = 200 } = options
  return {
    name: nonEmptyString('name', name),
    latencyMs: {
      simple: positiveMs('simpleMs', simpleMs),
      database: positiveMs('databaseMs', databaseMs),
      cached: positiveMs('cachedMs', cachedMs),
    },
    hitRatio: resolveHitRatio(hitRatio),
    routes: resolveRoutes(routes),
    windowMs: timerMs('windowMs', windowMs),
    minSamples: positiveInteger('minSamples', minSamples),
    maxRoutes: positiveInteger('maxRoutes', maxRoutes),
    clock: options.clock ?? systemClock,
  }
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveHitRatio(hitRatio: number): number {
  if (!(hitRatio > 0 && hitRatio <= 1)) invalid('hitRatio', 'above 0 and at most 1', hitRatio)
  return hitRatio
}

function resolveRoutes(
  routes: Readonly<Record<string, RouteBudget | false>>,
): ReadonlyMap<string, RouteBudget | false> {
  for (const [route, budget] of Object.entries(routes)) {
    if (budget === false) continue
    knownOptions(`routes[${JSON.stringify(route)}]`, budget, ['p95Ms', 'kind'])
    const { p95Ms, kind } = budget
    if (p95Ms !== undefined) positiveMs(`the p95Ms of ${route}`, p95Ms)
    if (kind !== undefined && kind !== 'simple' && kind !== 'database') {
      invalid(`the kind of ${route}`, "'simple' or 'database'", kind)
    }
  }
  return new Map(Object.entries(routes))
}
