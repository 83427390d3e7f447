import { AsyncLocalStorage } from 'node:async_hooks'
import { nonNegativeInteger, positiveInteger } from './options.ts'
import { systemClock, type Clock } from './clock.ts'

/** One thing that happened during a request. */
export type TraceEntry =
  | {
      readonly kind: 'query'
      readonly atMs: number
      readonly durationMs: number
      readonly text: string
      readonly values: readonly unknown[] | undefined
      readonly rowCount: number | undefined
      readonly error: unknown
      /** Where the query was asked for: an `Error` made at the call, unformatted until it is read. */
      readonly site: Error | undefined
      /**
       * Where the query was waited for: an `Error` made when it was answered. It is for those whose
       * `site` has no frame of the app, as with a query that begins when it is awaited.
       */
      readonly resumedAt?: Error | undefined
      /** The first rows of the result, to see which of their values later queries ask with. */
      readonly sample?: ResultSample | undefined
    }
  | {
      readonly kind: 'cache'
      readonly atMs: number
      readonly cache: string
      readonly key: string
      readonly verdict: 'hit' | 'missing' | 'stale' | 'miss'
    }
  | {
      /** A request that the app sent to another service. */
      readonly kind: 'call'
      readonly atMs: number
      readonly durationMs: number
      readonly method: string
      /** Without its query, which may hold what nobody else should read. */
      readonly url: string
      /** Undefined when there was no answer. */
      readonly status: number | undefined
      readonly error: unknown
    }
  | {
      /** A task that was handed over, to run outside of the request. */
      readonly kind: 'enqueue'
      readonly atMs: number
      readonly name: string
      readonly id: string
    }

/** The first rows of a query's result, as the driver handed them out: objects or, on demand, arrays. */
export interface ResultSample {
  readonly columns: readonly string[]
  readonly rows: readonly unknown[]
}

/** What was recorded during one request: the first `maxEntries` entries, and how many came after. */
export interface Trace {
  readonly entries: readonly TraceEntry[]
  /** Entries that found the trace full. */
  readonly dropped: number
}

/** What hotpath knows about the request that the running code belongs to. */
export interface RequestContext {
  /** The route's pattern, such as `/users/:id`; the adapter sets it. */
  readonly route: string
  /** When the request began, in `monotonicMs` of the clock that the trace was made with. */
  readonly startedMs: number
  /** Undefined while tracing is off. */
  readonly trace: Trace | undefined
  /** It has asked a database: through a pool of `createPool`, or through `pg` after `traceQueries`. */
  readonly usesDatabase: boolean
}

/** How {@link runInRequest} records. */
export interface RequestContextOptions {
  /** The pattern, or a function where it becomes known only when the request has been routed. */
  route: string | (() => string)
  /**
   * Entries that one request's trace keeps; 0 keeps none. Tracing costs memory for each entry and
   * a call site for each query: it is meant for development and for the doctor.
   *
   * @defaultValue 0
   */
  maxTraceEntries?: number | undefined
  clock?: Clock | undefined
}

const storage = new AsyncLocalStorage<RequestScope>()

// AsyncLocalStorage.getStore() is cheap but not free. Blocks ask on every query and cache read, so
// as long as no request was ever traced in this process the answer is known without asking.
let everTraced = false
let everEntered = false

// A context costs each request something, and most processes have no block that reads it.
let everWanted = false

/** Runs `work` as part of a request: everything it awaits sees the same {@link RequestContext}. */
export function runInRequest<T>(options: RequestContextOptions, work: () => T): T {
  return new RequestScope(options).run(work)
}

/** A request that was opened before it can be entered; adapters measure from the opening. */
export class RequestScope implements RequestContext {
  readonly startedMs: number
  readonly trace: (Trace & TraceRecorder) | undefined
  usesDatabase = false
  readonly #route: string | (() => string)

  constructor({ route, maxTraceEntries = 0, clock = systemClock }: RequestContextOptions) {
    const maxEntries = nonNegativeInteger('maxTraceEntries', maxTraceEntries)
    this.#route = route
    this.startedMs = clock.monotonicMs()
    this.trace = maxEntries === 0 ? undefined : new BoundedTrace(maxEntries)
  }

  get route(): string {
    return typeof this.#route === 'string' ? this.#route : this.#route()
  }

  run<T>(work: () => T): T {
    everEntered = true
    if (this.trace !== undefined) everTraced = true
    return storage.run(this, work)
  }
}

/** The request that the running code belongs to, if an adapter opened one. */
export function requestContext(): RequestContext | undefined {
  return storage.getStore()
}

/**
 * The trace of the running request, to write to; undefined while tracing is off. Whoever learns how
 * his work ended in a callback of a socket takes it before: there the request is no longer running.
 */
export function activeTrace(): TraceRecorder | undefined {
  return everTraced ? storage.getStore()?.trace : undefined
}

/** Says that the running request asks a database; whoever is about to send a query calls it. */
export function noteDatabaseUse(): void {
  if (!everEntered) return
  const scope = storage.getStore()
  if (scope !== undefined) scope.usesDatabase = true
}

/** Asks the adapters for a request context, traced or not; a block that keeps something for each request does. */
export function wantRequestContext(): void {
  everWanted = true
}

/** Whether an adapter has to open a context: somebody wants one, or the request is traced. */
export function needsRequestContext(maxTraceEntries: number): boolean {
  return everWanted || maxTraceEntries > 0
}

/** Takes the entries of one request. */
export interface TraceRecorder {
  add(entry: TraceEntry): void
}

class BoundedTrace implements Trace, TraceRecorder {
  readonly entries: TraceEntry[] = []
  dropped = 0
  readonly #maxEntries: number

  constructor(maxEntries: number) {
    this.#maxEntries = positiveInteger('maxTraceEntries', maxEntries)
  }

  add(entry: TraceEntry): void {
    if (this.entries.length < this.#maxEntries) this.entries.push(entry)
    else this.dropped++
  }
}
