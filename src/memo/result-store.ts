import type { Clock } from '../core/index.ts'
import { approximateBytes } from './approximate-bytes.ts'
import { createBoundedStore, type BoundedStore } from './bounded-store.ts'
import { CoarseTime } from './coarse-time.ts'
import { BoundedEntry, type StoreKey } from './entry-queue.ts'

/** What has become of the calls of a memoised function since it was made. */
export interface MemoStats {
  /** Calls that were answered without running the function, or with a run that was under way. */
  readonly hits: number
  /** Calls that ran the function. */
  readonly misses: number
  /** `hits` of all calls; 0 before the first. */
  readonly hitRatio: number
  /** Results kept now. */
  readonly entries: number
  readonly maxEntries: number
  /** Approximate bytes kept now; 0 without `maxBytes`, when nothing is measured. */
  readonly bytes: number
  readonly maxBytes: number | undefined
  /** Results that had to make room for others. */
  readonly evictions: number
}

class Result extends BoundedEntry<Result> {
  /** For an async function its promise, which every call gets. */
  readonly value: unknown
  readonly expiresMs: number

  constructor(key: StoreKey, bytes: number, value: unknown, expiresMs: number) {
    super(key, bytes)
    this.value = value
    this.expiresMs = expiresMs
  }
}

/** A run that has not ended. */
interface Flight {
  readonly value: Promise<unknown>
}

/** The results of one function, and the runs that are under way. */
export class ResultStore {
  readonly #store: BoundedStore<Result>
  // Apart from the results: one that is under way must not be evicted, or the next call would run.
  readonly #flights = new Map<StoreKey, Flight>()
  readonly #isMeasured: boolean
  readonly #ttlMs: number | undefined
  readonly #time: CoarseTime
  #hits = 0
  #misses = 0

  constructor(options: {
    maxEntries: number
    maxBytes: number | undefined
    ttlMs: number | undefined
    clock: Clock
  }) {
    const { maxEntries, maxBytes, ttlMs, clock } = options
    this.#store = createBoundedStore<Result>({ maxEntries, maxBytes })
    this.#isMeasured = maxBytes !== undefined
    this.#ttlMs = ttlMs
    this.#time = new CoarseTime(clock)
  }

  /** What answers a call, and counts it. */
  read(key: StoreKey): { readonly value: unknown } | undefined {
    const result = this.#store.get(key)
    if (result === undefined || this.#isExpired(result)) return this.#readFlight(key)
    this.#hits++
    return result
  }

  keep(key: StoreKey, value: unknown): void {
    this.#put(key, value, value)
  }

  /** Lets others share a promise, and keeps it when it is fulfilled. */
  follow(key: StoreKey, promise: Promise<unknown>): void {
    const flight: Flight = { value: promise }
    this.#flights.set(key, flight)
    promise.then(
      (value) => {
        // Not where it was forgotten meanwhile.
        if (this.#land(key, flight)) this.#put(key, promise, value)
      },
      () => this.#land(key, flight),
    )
  }

  delete(key: StoreKey): boolean {
    const wasUnderWay = this.#flights.delete(key)
    return this.#store.delete(key) || wasUnderWay
  }

  clear(): void {
    this.#flights.clear()
    this.#store.clear()
  }

  stats(): MemoStats {
    const { size: entries, maxEntries, bytes, maxBytes, evictions } = this.#store
    const hits = this.#hits
    const misses = this.#misses
    const hitRatio = hits === 0 ? 0 : hits / (hits + misses)
    return { hits, misses, hitRatio, entries, maxEntries, bytes, maxBytes, evictions }
  }

  #readFlight(key: StoreKey): Flight | undefined {
    const flight = this.#flights.size === 0 ? undefined : this.#flights.get(key)
    if (flight === undefined) this.#misses++
    else this.#hits++
    return flight
  }

  #isExpired(result: Result): boolean {
    if (this.#ttlMs === undefined || this.#time.nowMs() < result.expiresMs) return false
    this.#store.delete(result.key)
    return true
  }

  #put(key: StoreKey, kept: unknown, value: unknown): void {
    const bytes = this.#isMeasured ? approximateBytes(key) + approximateBytes(value) : 0
    const expiresMs = this.#ttlMs === undefined ? Infinity : this.#time.nowMs() + this.#ttlMs
    this.#store.set(new Result(key, bytes, kept, expiresMs))
  }

  #land(key: StoreKey, flight: Flight): boolean {
    return this.#flights.get(key) === flight && this.#flights.delete(key)
  }
}
