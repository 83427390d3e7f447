import type { Clock } from '../core/index.ts'
import {
  approximateBytes,
  BoundedEntry,
  CoarseTime,
  createBoundedStore,
  type BoundedStore,
} from '../memo/index.ts'
import type { ResolvedMemoryOptions } from './options.ts'
import type { MemoryStats } from './stats.ts'
import { isOutdated, type Tag, type TagTable } from './tags.ts'

/** A value that is about to be kept, and for how long. */
export interface Fresh {
  readonly value: unknown
  /** The value says that there is no such thing: it is `undefined` or `null`. */
  readonly isMissing: boolean
  /** How long it is fresh from now on; negative for one that has been stale for so long. */
  readonly ttlMs: number
  /** How long after that it may be served while it is loaded anew (RFC 5861, stale-while-revalidate). */
  readonly staleMs: number
  /** How long after that it may be served where a load fails (RFC 5861, stale-if-error). */
  readonly staleIfErrorMs: number
  /** What its load took; 0 where nobody knows. */
  readonly loadMs: number
  readonly tags: readonly string[] | undefined
}

/** What is kept of a key in memory. */
export class MemoryEntry extends BoundedEntry {
  declare readonly key: string
  readonly value: unknown
  readonly isMissing: boolean
  readonly expiresMs: number
  readonly tags: readonly Tag[] | undefined
  /** The step of the tags at which the value began to be made. */
  readonly step: number

  constructor(
    key: string,
    bytes: number,
    fresh: Fresh,
    expiresMs: number,
    tags: readonly Tag[] | undefined,
    step: number,
  ) {
    super(key, bytes)
    this.value = fresh.value
    this.isMissing = fresh.isMissing
    this.expiresMs = expiresMs
    this.tags = tags
    this.step = step
  }
}

/** Values by reference, in this process, within bounds. */
export class MemoryTier {
  readonly store: BoundedStore<MemoryEntry>
  #hits = 0
  readonly #maxAgeMs: number
  readonly #tags: TagTable
  readonly #time: CoarseTime

  constructor(options: ResolvedMemoryOptions, tags: TagTable, clock: Clock) {
    this.store = createBoundedStore<MemoryEntry>({
      maxEntries: options.maxEntries,
      maxBytes: options.maxBytes,
      onLeave: (entry) => tags.release(entry.tags),
    })
    this.#maxAgeMs = options.maxAgeMs
    this.#tags = tags
    this.#time = new CoarseTime(clock)
  }

  get stats(): MemoryStats {
    const { size, maxEntries, bytes, maxBytes, evictions } = this.store
    return { hits: this.#hits, entries: size, maxEntries, bytes, maxBytes, evictions }
  }

  /** The entry while it is fresh. One that is not leaves. */
  read(key: string): MemoryEntry | undefined {
    const entry = this.store.get(key)
    if (entry === undefined) return undefined
    if (entry.expiresMs <= this.#time.nowMs() || isOutdated(entry.tags, entry.step)) {
      this.store.delete(key)
      return undefined
    }
    this.#hits++
    return entry
  }

  /** Keeps a value that began to be made at `step`. */
  write(key: string, fresh: Fresh, step: number): void {
    const expiresMs = this.#time.nowMs() + Math.min(fresh.ttlMs, this.#maxAgeMs)
    const bytes =
      this.store.maxBytes === undefined ? 0 : approximateBytes(key) + approximateBytes(fresh.value)
    const tags = this.#tags.refer(fresh.tags)
    const entry = new MemoryEntry(key, bytes, fresh, expiresMs, tags, step)
    if (!this.store.set(entry)) this.#tags.release(tags)
  }
}
