import type { Clock } from '../core/index.ts'
import { approximateBytes } from './approximate-bytes.ts'
import { ArgumentTree, bytesOfKey } from './argument-tree.ts'
import { CoarseTime } from './coarse-time.ts'
import { absent, SlotStore } from './slot-store.ts'
import type { CallKey } from './store-key.ts'

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

/** The results of one function, and the runs that are under way. */
export class ResultStore {
  /** The calls that have a result or a run under way. */
  readonly calls: ArgumentTree = new ArgumentTree()
  readonly #store: SlotStore<unknown>
  // Apart from the results: one that is under way must not be evicted, or the next call would run.
  readonly #flights = new Map<CallKey, Promise<unknown>>()
  readonly #isMeasured: boolean
  readonly #ttlMs: number | undefined
  /** By slot; only where there is a `ttlMs`. */
  readonly #expiresMs: number[] | undefined
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
    this.#store = new SlotStore<unknown>({
      maxEntries,
      maxBytes,
      onLeave: (_value, key) => this.calls.prune(key),
    })
    this.#isMeasured = maxBytes !== undefined
    this.#ttlMs = ttlMs
    this.#expiresMs = ttlMs === undefined ? undefined : [0]
    this.#time = new CoarseTime(clock)
  }

  /**
   * Where the result of a call is, which is a hit, or `absent`. A result that has expired stays where
   * it is until the next takes its place: its key has earned that.
   */
  find(key: CallKey): number {
    const slot = this.#store.find(key)
    if (slot === absent) return absent
    const expiresMs = this.#expiresMs
    if (expiresMs !== undefined && this.#time.nowMs() >= (expiresMs[slot] as number)) return absent
    this.#hits++
    return slot
  }

  /** The result in a slot that `find` has just returned: of an async function its promise. */
  at(slot: number): unknown {
    return this.#store.at(slot)
  }

  /** The run under way of a call without result, which is a hit. Otherwise it is a miss. */
  flight(key: CallKey): Promise<unknown> | undefined {
    const flight = this.#flights.size === 0 ? undefined : this.#flights.get(key)
    if (flight === undefined) this.#misses++
    else this.#hits++
    return flight
  }

  keep(key: CallKey, value: unknown): void {
    this.#put(key, value, value)
  }

  /** Lets others share a promise, and keeps it when it is fulfilled. */
  follow(key: CallKey, promise: Promise<unknown>): void {
    if (!this.#flights.has(key)) this.calls.hold(key)
    this.#flights.set(key, promise)
    promise.then(
      (value) => {
        // Not where it was forgotten meanwhile.
        if (this.#flights.get(key) !== promise) return
        this.#put(key, promise, value)
        this.#land(key)
      },
      () => {
        if (this.#flights.get(key) === promise) this.#land(key)
      },
    )
  }

  delete(key: CallKey): boolean {
    const wasUnderWay = this.#land(key)
    return this.#store.delete(key) || wasUnderWay
  }

  clear(): void {
    for (const key of this.#flights.keys()) this.#land(key)
    this.#store.clear()
  }

  stats(): MemoStats {
    const { size: entries, maxEntries, bytes, maxBytes, evictions } = this.#store
    const hits = this.#hits
    const misses = this.#misses
    const hitRatio = hits === 0 ? 0 : hits / (hits + misses)
    return { hits, misses, hitRatio, entries, maxEntries, bytes, maxBytes, evictions }
  }

  #put(key: CallKey, kept: unknown, value: unknown): void {
    const bytes = this.#isMeasured ? bytesOfKey(key) + approximateBytes(value) : 0
    const slot = this.#store.set(key, kept, bytes)
    if (this.#expiresMs !== undefined && slot !== absent) {
      this.#expiresMs[slot] = this.#time.nowMs() + (this.#ttlMs as number)
    }
  }

  #land(key: CallKey): boolean {
    if (!this.#flights.delete(key)) return false
    this.calls.release(key)
    return true
  }
}
