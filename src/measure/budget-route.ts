import { DurationCounts } from '../core/index.ts'
import { HitRatioBudget } from './budget-hits.ts'
import { LatencyBudget } from './budget-latency.ts'
import type { ResolvedBudgetsOptions, RouteBudget } from './budget-options.ts'
import type { SlidingWindow } from './sliding-slices.ts'

// What OpenTelemetry advises for `http.server.request.duration`.
const boundsMs = [
  5,
  10,
  25,
  50,
  75,
  100,
  250,
  500,
  750,
  1_000,
  2_500,
  5_000,
  7_500,
  10_000,
  Infinity,
]

/** What a request was answered by: `cached` by the response cache, `database` with queries. */
export type RequestKind = 'simple' | 'database' | 'cached'

/** How a client has asked: `url.scheme` of OpenTelemetry. */
export type UrlScheme = 'http' | 'https'

/** A request that has come to its end. */
export interface EndedRequest {
  readonly method: string
  /** @defaultValue 'http' */
  readonly scheme?: UrlScheme | undefined
  /** The pattern of its route; undefined where no route is known. */
  readonly route: string | undefined
  readonly kind: RequestKind
  readonly durationMs: number
  /** It failed, was refused, or its client went away before the answer was sent. */
  readonly isBroken: boolean
  /**
   * What the response cache said, on a route that has one; `collapsed`: it was answered with the
   * response to another request, for whose handler it has waited.
   */
  readonly cacheVerdict: 'hit' | 'miss' | 'collapsed' | undefined
}

/** The budgets of one route, each made when the first request comes that it is about. */
export class RouteBudgets {
  /** Of all its requests since the start, also of those that were broken off. */
  readonly durations: Partial<Record<UrlScheme, DurationCounts>> = {}
  readonly #subject: string
  readonly #own: RouteBudget
  readonly #options: ResolvedBudgetsOptions
  #simple: LatencyBudget | undefined = undefined
  #database: LatencyBudget | undefined = undefined
  #cached: LatencyBudget | undefined = undefined
  #hits: HitRatioBudget | undefined = undefined

  constructor(subject: string, own: RouteBudget, options: ResolvedBudgetsOptions) {
    this.#subject = subject
    this.#own = own
    this.#options = options
  }

  record(request: EndedRequest, nowMs: number, window: () => SlidingWindow): void {
    const { cacheVerdict, durationMs, isBroken } = request
    // Whatever else somebody may hand in: there are two, so that memory is bounded.
    const scheme = request.scheme === 'https' ? 'https' : 'http'
    const durations = (this.durations[scheme] ??= new DurationCounts(boundsMs))
    durations.add(durationMs)
    // The other request went by what its handler did, and ended first.
    const isLikeDatabase = cacheVerdict === 'collapsed' && this.#database !== undefined
    const kind = this.#kindOf(isLikeDatabase ? 'database' : request.kind)
    const budget = this.#latency(kind, window)
    if (isBroken) budget.addBroken(durationMs, nowMs)
    else budget.add(durationMs, nowMs)
    if (cacheVerdict === undefined) return
    this.#hits ??= new HitRatioBudget(this.#subject, this.#options.hitRatio, window())
    if (cacheVerdict === 'hit') this.#hits.add(1, 0, nowMs)
    else this.#hits.add(0, 1, nowMs)
  }

  /** The budget of a request of this kind, in milliseconds at p95. */
  budgetMs(given: RequestKind): number {
    const kind = this.#kindOf(given)
    const { p95Ms } = this.#own
    const { latencyMs } = this.#options
    return kind === 'cached' ? latencyMs.cached : (p95Ms ?? latencyMs[kind])
  }

  /** Those of its budgets that anything was measured against. */
  get budgets(): (LatencyBudget | HitRatioBudget)[] {
    const all = [this.#simple, this.#database, this.#cached, this.#hits]
    return all.filter((budget) => budget !== undefined)
  }

  #kindOf(kind: RequestKind): RequestKind {
    return kind === 'cached' ? kind : (this.#own.kind ?? kind)
  }

  #latency(kind: RequestKind, window: () => SlidingWindow): LatencyBudget {
    if (kind === 'cached') return (this.#cached ??= this.#make(kind, window))
    if (kind === 'database') return (this.#database ??= this.#make(kind, window))
    return (this.#simple ??= this.#make(kind, window))
  }

  #make(kind: RequestKind, window: () => SlidingWindow): LatencyBudget {
    return new LatencyBudget(this.#subject, kind, this.budgetMs(kind), window())
  }
}
