/** Servers that a bench can ask for; each runs beside the contenders, the same for all of them. */
export type Service = 'postgres' | 'redis'

/**
 * One comparison: contenders that do the same work at equal settings, and what we claim about the
 * outcome. It is the default export of one file in `bench/cases/`.
 */
export interface Bench {
  /** What is compared, in a sentence. */
  readonly title: string
  /** What is equal for all contenders, a line each; printed above the figures. */
  readonly settings: readonly string[]
  /** Packages whose installed versions are printed. */
  readonly peers: readonly string[]
  readonly services: readonly Service[]
  /** In each round every contender runs once. */
  readonly rounds: number
  /**
   * `per-round`: a fresh process each time, for small operations, which V8 compiles now this way
   * and now that. `per-run`: one for all rounds, for servers and pools, which are long warm when it
   * matters; a first round is run and not counted. Either way the contender starts anew.
   */
  readonly processes: 'per-round' | 'per-run'
  /** Fills the services before the first round. */
  readonly prepare?: (services: Services) => Promise<void>
  /** What each contender is put to, one after the other, and measured at. */
  readonly workloads: Readonly<Record<string, Workload>>
  readonly contenders: Readonly<Record<string, Contender>>
  /** The contender that the others' ratios in the tables refer to. */
  readonly baseline: string
  readonly claims: readonly ClaimRule[]
}

/** The addresses of the services that the bench asked for. */
export interface Services {
  /** @throws when the bench does not list the service. */
  url(service: Service): string
}

/** What a contender starts with. */
export interface Given extends Services {
  /** The name of the workload that comes next. */
  readonly workload: string
}

/**
 * Makes ready what is measured; runs in the contender's own process, once for each workload.
 * It imports its packages itself (`await import('pg')`), so that no process loads another's.
 */
export type Contender = (given: Given) => Promise<Subject>

/** What a contender hands over: the part that its workload's kind needs, and how to end it. */
export interface Subject {
  /** For `operations`: does the operation so many times; returns a number that depends on them all. */
  readonly operate?: (times: number) => number
  /** For `awaited`: the same, with an await for each operation. */
  readonly operateAwaited?: (times: number) => Promise<number>
  /** For `callers`: one call. */
  readonly call?: (input: number) => Promise<unknown>
  /** For `http`: where the server listens. */
  readonly url?: string
  /** For `outage`: a cache in memory and Redis. */
  readonly cache?: OutageCache
  readonly close?: () => Promise<unknown>
}

/** What is asked of a cache while its Redis is away, and to find out whether it is back. */
export interface OutageCache {
  /** The value of a key, from `load` where it is missing. */
  getOrSet(key: string, load: () => Promise<string>): Promise<unknown>
  /** Writes as another process would: through a second instance, with a client of its own. */
  write(key: string, value: string): Promise<unknown>
  /** Reads a key that this instance does not have in memory. */
  read(key: string): Promise<unknown>
}

export type Workload =
  | OperationsWorkload
  | AwaitedWorkload
  | CallersWorkload
  | HttpWorkload
  | OutageWorkload
  | OverloadWorkload

interface Timed {
  /** What it is, in a few words; the heading of its table. */
  readonly about: string
  readonly warmupMs: number
  readonly sliceMs: number
}

/** A synchronous operation, repeated; its time is what one takes. */
export interface OperationsWorkload extends Timed {
  readonly kind: 'operations'
}

/** An operation that returns a promise, one after the other, each awaited; its time is what one takes. */
export interface AwaitedWorkload extends Timed {
  readonly kind: 'awaited'
}

/** Callers that each make the next call when the last one is answered. */
export interface CallersWorkload extends Timed {
  readonly kind: 'callers'
  readonly callers: number
  /** What the calls are made with, in turn. */
  readonly inputs: readonly number[]
  /** Inputs whose calls are slow on purpose: they count as calls, and not among the latencies. */
  readonly isSlow?: (input: number) => boolean
  /** Every answer of the warm-up must pass: a wrong answer is not measured but thrown. */
  readonly check: (answer: unknown, input: number) => boolean
}

/** A server under load: every answer must be a 200, and the body the same for all contenders. */
export interface HttpWorkload extends Timed {
  readonly kind: 'http'
  readonly path: string
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>
  readonly connections: number
  /**
   * Requests that each connection sends at once while throughput is measured, so that the server and
   * not the load generator is the limit. Latency is measured apart, with one.
   */
  readonly pipelining: number
  readonly latencySliceMs: number
}

/** Steady calls on a cache, while Redis goes away and comes back. */
export interface OutageWorkload {
  readonly kind: 'outage'
  readonly about: string
  readonly fault: 'kill' | 'freeze'
  readonly beforeMs: number
  readonly outageMs: number
  readonly afterMs: number
}

/** A server that is asked for more than it can answer, at a fixed rate. */
export interface OverloadWorkload {
  readonly kind: 'overload'
  readonly about: string
  readonly path: string
  /** The same work, which nothing protects. */
  readonly peakPath: string
  /** A line that one in ten requests has, and by which the server may know that they matter. */
  readonly criticalHeader: string
  /** How many times its peak the server is asked for. */
  readonly factor: number
}

/** What we claim, and how it is worked out of the figures. */
export type ClaimRule = {
  readonly claim: string
  /** Undefined where it cannot be judged on this machine: then it is left out. */
  readonly value: (figures: Figures) => number | undefined
} & ({ readonly atLeast: number } | { readonly atMost: number })

/** What the rounds gave. */
export interface Figures {
  /** The median over the rounds. */
  median(workload: string, contender: string, metric: string): number
  /** `contender` over `other`: the median of the ratios of each round, whose noise both share. */
  ratio(workload: string, contender: string, other: string, metric: string): number
  /** `contender` less `other`: the median of the differences of each round. */
  difference(workload: string, contender: string, other: string, metric: string): number
}
