import {
  eventChannel,
  invalid,
  knownOptions,
  positiveMs,
  register,
  type Timer,
} from '../core/index.ts'
import { HitRatioBudget, type HitCounts } from './budget-hits.ts'
import { LatencyBudget } from './budget-latency.ts'
import {
  resolveBudgetsOptions,
  resolveHitRatio,
  type BudgetsOptions,
  type ResolvedBudgetsOptions,
} from './budget-options.ts'
import { RouteBudgets, type EndedRequest, type UrlScheme } from './budget-route.ts'
import type { BudgetReport } from './budget-verdict.ts'
import type { DurationBuckets } from '../core/index.ts'
import type { SlidingWindow } from './sliding-slices.ts'

const turned = eventChannel('hotpath:measure:budget')

/** A window moves on in steps of a sixth of it. */
const sliceCount = 6
const schemes: readonly UrlScheme[] = ['http', 'https']
const unknownRoute = '(no route)'
const otherRoutes = '(other routes)'

/** What the budgets of an app have come to. */
export interface BudgetsStats {
  /** How many budgets are in each state. */
  readonly met: number
  readonly missed: number
  readonly notEnoughData: number
  /** All of them: those of routes in the order of their first requests, then those of components. */
  readonly budgets: readonly BudgetReport[]
  /** How long requests took since the start, by route and scheme; without those of routes that have no budget. */
  readonly requests: readonly RequestDurations[]
}

/** The requests of one route that came by one scheme. */
export interface RequestDurations {
  /** `_OTHER` for those above `maxRoutes`, of whatever method. */
  readonly method: string
  readonly scheme: UrlScheme
  /** The pattern, `/users/:id`. */
  readonly route: string
  readonly durations: DurationBuckets
}

/** Takes the durations of a component. */
export interface ComponentBudget {
  record(durationMs: number): void
}

/** Budgets, and whether they are kept; see {@link createBudgets}. */
export interface Budgets {
  readonly name: string
  /** Counts a request; the adapters' option `budgets` calls it for each. */
  record(request: EndedRequest): void
  /** The budget of a request, in milliseconds at p95; undefined for a route that has none. */
  budgetMs(request: Pick<EndedRequest, 'method' | 'route' | 'kind'>): number | undefined
  /**
   * A budget of something else than a route, an upstream service for instance. Made once, when the app
   * starts.
   *
   * @throws HotpathError HOTPATH_OPTION_INVALID
   */
  component(name: string, budget: { p95Ms: number }): ComponentBudget
  /**
   * A budget of a cache's hit ratio, which is read from the cache's own counts.
   *
   * @param budget - `hitRatio` is that of all if it is left out
   * @throws HotpathError HOTPATH_OPTION_INVALID
   */
  cache(name: string, stats: () => HitCounts, budget?: { hitRatio?: number | undefined }): void
  stats(): BudgetsStats
  /** Judges nothing from now on. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes budgets of latency and of hit ratios, judged over a sliding window: latencies at p95, and each
 * only when there are enough of them. When one turns, from `met` to `missed` say, it is an event on
 * `hotpath:measure:budget`. The adapters take them as their option `budgets`.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createBudgets } from 'hotpath/measure'
 *
 * const budgets = createBudgets({ databaseMs: 150, routes: { '/reports/:id': { p95Ms: 2_000 } } })
 * const search = budgets.component('search service', { p95Ms: 80 })
 * const startedMs = performance.now()
 * await askSearchService()
 * search.record(performance.now() - startedMs)
 * ```
 */
export function createBudgets(options: BudgetsOptions = {}): Budgets {
  return new SlidingBudgets(resolveBudgetsOptions(options))
}

class SlidingBudgets implements Budgets {
  readonly name: string
  readonly #options: ResolvedBudgetsOptions
  // By route and then by method: both are texts that are there already, and none is put together.
  readonly #routes = new Map<string, Map<string, RouteBudgets | false>>()
  #routeCount = 0
  // Moves on with each slice: to ask the clock for every request would be a part of what they cost.
  #nowMs: number
  readonly #components = new Map<string, LatencyBudget | HitRatioBudget>()
  readonly #unregister: () => void
  #timer: Timer

  constructor(options: ResolvedBudgetsOptions) {
    this.name = options.name
    this.#options = options
    this.#nowMs = options.clock.monotonicMs()
    this.#unregister = register('budgets', options.name, () => this.stats())
    this.#timer = this.#judgeLater()
  }

  record(request: EndedRequest): void {
    const budgets = this.#of(request.method, request.route)
    if (budgets === false) return
    budgets.record(request, this.#nowMs, this.#window)
  }

  budgetMs({ method, route, kind }: Pick<EndedRequest, 'method' | 'route' | 'kind'>) {
    const budgets = this.#of(method, route)
    return budgets === false ? undefined : budgets.budgetMs(kind)
  }

  component(name: string, budget: { p95Ms: number }): ComponentBudget {
    knownOptions(`the budget of ${name}`, budget, ['p95Ms'])
    const p95Ms = positiveMs('p95Ms', budget.p95Ms)
    const made = new LatencyBudget(name, 'component', p95Ms, this.#window())
    this.#add(name, made)
    return { record: (durationMs) => made.add(durationMs, this.#nowMs) }
  }

  cache(name: string, stats: () => HitCounts, budget: { hitRatio?: number | undefined } = {}) {
    knownOptions(`the budget of ${name}`, budget, ['hitRatio'])
    const hitRatio = resolveHitRatio(budget.hitRatio ?? this.#options.hitRatio)
    this.#add(name, new HitRatioBudget(name, hitRatio, this.#window(), stats))
  }

  stats(): BudgetsStats {
    const budgets = this.#report().map(({ report }) => report)
    const count = (state: BudgetReport['state']) =>
      budgets.filter((budget) => budget.state === state).length
    return {
      met: count('met'),
      missed: count('missed'),
      notEnoughData: count('not enough data'),
      budgets,
      requests: this.#requests(),
    }
  }

  async close(): Promise<void> {
    this.#timer.cancel()
    this.#unregister()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #of(method: string, route: string = unknownRoute): RouteBudgets | false {
    return this.#routes.get(route)?.get(method) ?? this.#make(method, route)
  }

  #make(method: string, route: string): RouteBudgets | false {
    const { maxRoutes, routes } = this.#options
    if (this.#routeCount >= maxRoutes) {
      return this.#keep(otherRoutes, '', new RouteBudgets(otherRoutes, {}, this.#options))
    }
    this.#routeCount++
    const subject = `${method} ${route}`
    const own = routes.get(subject) ?? routes.get(route) ?? {}
    return this.#keep(route, method, own !== false && new RouteBudgets(subject, own, this.#options))
  }

  #keep(route: string, method: string, made: RouteBudgets | false): RouteBudgets | false {
    let methods = this.#routes.get(route)
    if (methods === undefined) this.#routes.set(route, (methods = new Map()))
    const kept = methods.get(method) ?? made
    methods.set(method, kept)
    return kept
  }

  readonly #window = (): SlidingWindow => {
    return { windowMs: this.#options.windowMs, sliceCount, nowMs: this.#nowMs }
  }

  #add(name: string, budget: LatencyBudget | HitRatioBudget): void {
    if (this.#components.has(name)) invalid('name', 'that of no other component', name)
    this.#components.set(name, budget)
  }

  #all(): (LatencyBudget | HitRatioBudget)[] {
    const routes = [...this.#routes.values()].flatMap((methods) => [...methods.values()])
    const ofRoutes = routes.flatMap((route) => (route === false ? [] : route.budgets))
    return [...ofRoutes, ...this.#components.values()]
  }

  #requests(): RequestDurations[] {
    return [...this.#routes].flatMap(([route, methods]) =>
      [...methods].flatMap(([method, budgets]) =>
        budgets === false
          ? []
          : schemes.flatMap((scheme) => {
              const durations = budgets.durations[scheme]?.snapshot()
              return durations ? [{ method: method || '_OTHER', scheme, route, durations }] : []
            }),
      ),
    )
  }

  #judgeLater(): Timer {
    const { clock, windowMs } = this.#options
    return clock.after(windowMs / sliceCount, () => {
      this.#timer = this.#judgeLater()
      this.#judge()
    })
  }

  // Also where nobody listens: who begins to listen later hears of changes and not of old news.
  #judge(): void {
    for (const { budget, report } of this.#report()) {
      const before = budget.announced
      if (report.state === before) continue
      budget.announced = report.state
      if (turned.hasSubscribers) turned.publish(eventOf(this.name, before, report))
    }
  }

  #report(): { budget: LatencyBudget | HitRatioBudget; report: BudgetReport }[] {
    const { minSamples, clock } = this.#options
    this.#nowMs = clock.monotonicMs()
    return this.#all().map((budget) => ({ budget, report: budget.report(minSamples, this.#nowMs) }))
  }
}

function eventOf(budgets: string, before: BudgetReport['state'], report: BudgetReport) {
  const { subject, kind, state, samples } = report
  const common = { budgets, subject, kind, state, before, samples }
  return report.kind === 'hit ratio'
    ? { ...common, measured: report.hitRatio, budget: report.budgetRatio }
    : { ...common, measured: report.p95Ms, budget: report.budgetMs }
}
