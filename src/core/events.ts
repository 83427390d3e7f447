import { channel } from 'node:diagnostics_channel'

/**
 * What each channel carries. The name on `node:diagnostics_channel` is the key as it stands here.
 * A later room adds its line; payloads only ever gain fields.
 */
export interface HotpathEvents {
  /** A request of `fetchAll` came to its end, well or not. */
  'hotpath:batch:call': {
    method: string
    /** Without its query, which may hold what nobody else should read. */
    url: string
    /** That of the last answer, where there was one. */
    status: number | undefined
    attempts: number
    durationMs: number
    error: unknown
  }
  /** A call of `get` or `getOrSet` was answered. */
  'hotpath:cache:read': {
    cache: string
    key: string
    /** `missing` is a hit on a stored "there is no such thing", `stale` one on a value past its TTL. */
    verdict: 'hit' | 'missing' | 'stale' | 'miss'
    tier: 'memory' | 'redis' | undefined
    durationMs: number
  }
  /** A loader ran, on behalf of all who ask for the key. */
  'hotpath:cache:load': {
    cache: string
    key: string
    durationMs: number
    error: unknown
    /** It ran in the background, while a value that was there already was served. */
    isRefresh: boolean
  }
  /** Redis did not do what the cache asked of it; the cache went on without. */
  'hotpath:cache:trouble': { cache: string; operation: string; error: unknown }
  /** A limiter decided about a use. */
  'hotpath:limit:decision': {
    limiter: string
    key: string
    cost: number
    isAllowed: boolean
    /** The policy that decided. */
    policy: string
  }
  /** Redis did not do what a limiter asked of it; the limiter went on without. */
  'hotpath:limit:trouble': { limiter: string; operation: string; error: unknown }
  /** A query came to its end, well or not. */
  'hotpath:postgres:query': {
    pool: string
    text: string
    durationMs: number
    rowCount: number | undefined
    error: unknown
  }
  /** A connection was opened or closed. */
  'hotpath:postgres:connection': {
    pool: string
    change: 'opened' | 'closed'
    reason: string | undefined
  }
  /** A client from `pool.connect()` was held for longer than the pool's `leakDetectionMs`. */
  'hotpath:postgres:leak': {
    pool: string
    heldMs: number
    /** Its stack leads to the call of `connect()`. */
    site: Error
  }
  /** A call of a worker's function came to its end, well or not. */
  'hotpath:workers:call': {
    workers: string
    name: string
    /** From the call until its function began; not known of one that was stopped or never begun. */
    waitMs: number | undefined
    runMs: number | undefined
    error: unknown
  }
  /** A worker thread was stopped because of a call, or came to an end of its own, with this error. */
  'hotpath:workers:thread-lost': { workers: string; error: unknown }
  /** Cloning the input of a function took the event loop longer than its work took the thread. */
  'hotpath:workers:clone-cost': { workers: string; name: string; cloneMs: number; runMs: number }
  /** A budget is kept now, or is missed, or has too few samples to tell. */
  'hotpath:measure:budget': {
    budgets: string
    /** A route, `GET /users/:id`, or the name of a component. */
    subject: string
    kind: 'simple' | 'database' | 'cached' | 'component' | 'hit ratio'
    state: 'met' | 'missed' | 'not enough data'
    /** What it was before. */
    before: 'met' | 'missed' | 'not enough data'
    samples: number
    /** Milliseconds at p95, or the hit ratio; undefined without samples. */
    measured: number | undefined
    /** In the same unit. */
    budget: number
  }
  /** A traced request asked a query once for each row of another one. */
  'hotpath:postgres:repeated-queries': {
    route: string
    /** The line that asks; undefined when no frame of the app was on the stack. */
    site: { file: string; line: number; column: number } | undefined
    text: string
    count: number
    distinctCount: number
    totalMs: number
    /** The query whose rows hold the values, and the column that they are in. */
    parent: { text: string; column: string }
    suggestion: string
  }
  /** A request was counted against a limit. */
  'hotpath:http:limit': {
    url: string
    /** Whom it was counted for: an address, or what the route goes by. */
    key: string
    policy: string
    isAllowed: boolean
    /** It was let through whatever was decided. */
    isShadow: boolean
  }
  /** The response cache decided about a request. */
  'hotpath:http:cache': {
    route: string
    key: string
    /** The words of `Cache-Status` (RFC 9211): `hit`, or why it was forwarded. */
    verdict: 'hit' | 'uri-miss' | 'vary-miss' | 'bypass' | 'request' | 'stale'
    stored: boolean
  }
  /** A call of a measured function has ended. */
  'hotpath:measure:call': {
    name: string
    durationMs: number
    error: unknown
    isFailed: boolean
    /** CPU time and memory, of a call that was sampled. */
    usage:
      | {
          attribution: 'call' | 'thread' | 'overlapped'
          cpuMs: number | undefined
          heapBytes: number | undefined
          rssBytes: number | undefined
          eventLoopUtilization: number
        }
      | undefined
  }
  /** A task has come into a state, as far as this process had a part in it. */
  'hotpath:tasks:state': {
    tasks: string
    id: string
    name: string
    /** `queued` also when an attempt failed and is tried again: then with its error. */
    state: 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled'
    /** 0 before the first attempt, and where the process that says so does not know. */
    attempt: number
    /** How long the attempt took. */
    durationMs: number | undefined
    error: unknown
  }
  /** The store of the tasks did not do what was asked of it in the background; it is tried again. */
  'hotpath:tasks:trouble': { tasks: string; operation: string; error: unknown }
  /** How far a pipeline is that delivers into a sink: five times a second, and at the end. */
  'hotpath:stream:progress': {
    stream: string
    bytes: number
    totalBytes: number | undefined
    rows: number
    rejected: number
    /** Everything before it is in the sink. */
    next: { line: number; byteOffset: number | undefined }
    elapsedMs: number
    bytesPerSecond: number
    rowsPerSecond: number
    remainingMs: number | undefined
  }
  /** A request was refused, because the process had as many as it can serve. */
  'hotpath:limit:shed': {
    shedder: string
    priority: 'critical' | 'normal' | 'background'
    inFlight: number
    limit: number
  }
}

/** The name of a channel. */
export type HotpathEvent = keyof HotpathEvents

/** One channel of {@link HotpathEvents}, held by the room that publishes on it. */
export interface EventChannel<Name extends HotpathEvent> {
  /** Ask this before the payload is made: without listeners an event must cost nothing. */
  readonly hasSubscribers: boolean
  publish(payload: HotpathEvents[Name]): void
}

/**
 * Opens a channel for publishing. Called once, when a room is loaded.
 *
 * @example
 * ```ts
 * const reads = eventChannel('hotpath:cache:read')
 * if (reads.hasSubscribers) reads.publish({ cache, key, verdict, tier, durationMs })
 * ```
 */
export function eventChannel<Name extends HotpathEvent>(name: Name): EventChannel<Name> {
  return channel(name)
}

/**
 * Listens to a channel; the returned function stops it. A listener that throws does not reach the
 * code that published: Node reports it as an uncaught exception.
 *
 * @example
 * ```ts
 * import { listen } from 'hotpath'
 *
 * const stop = listen('hotpath:postgres:query', ({ text, durationMs }) => {
 *   if (durationMs > 200) console.warn(`${durationMs.toFixed(0)} ms: ${text}`)
 * })
 * stop()
 * ```
 */
export function listen<Name extends HotpathEvent>(
  name: Name,
  listener: (payload: HotpathEvents[Name]) => void,
): () => void {
  const subscriber = (payload: unknown) => listener(payload as HotpathEvents[Name])
  const source = channel(name)
  source.subscribe(subscriber)
  return () => {
    source.unsubscribe(subscriber)
  }
}
