import { EntryQueue, type BoundedEntry, type StoreKey } from './entry-queue.ts'
import { GhostRing } from './ghost-ring.ts'

/** The bounds of a {@link BoundedStore}; checked by whoever takes them from a user. */
export interface BoundedStoreOptions<Entry> {
  maxEntries: number
  /** Bound on the sum of the entries' `bytes`; without it only their number counts. */
  maxBytes?: number | undefined
  /** Called once for each entry that leaves: evicted, replaced, deleted or cleared. */
  onLeave?: ((entry: Entry) => void) | undefined
}

/** A map from keys to entries that never grows past its bounds. */
export interface BoundedStore<Entry> {
  readonly size: number
  readonly bytes: number
  readonly maxEntries: number
  readonly maxBytes: number | undefined
  /** Entries that had to make room for others. */
  readonly evictions: number
  /** The entry, if it is there; counts as a visit. */
  get(key: StoreKey): Entry | undefined
  /** Keeps the entry in place of any other with its key. False when it is larger than `maxBytes`. */
  set(entry: Entry): boolean
  /** False when there was nothing to delete. */
  delete(key: StoreKey): boolean
  clear(): void
}

/**
 * Makes a bounded store with the S3-FIFO policy (Yang et al., "FIFO queues are all you need for
 * cache eviction", SOSP 2023). New keys wait in a small queue; those asked for again move to the
 * main one, the others leave early, so that a scan of keys read once never displaces the working
 * set. A key that left the small queue too early is recognised by its ghost and goes to the main
 * queue when it comes back. A hit moves nothing: it is one map lookup and one counter.
 */
export function createBoundedStore<Entry extends BoundedEntry<Entry>>(
  options: BoundedStoreOptions<Entry>,
): BoundedStore<Entry> {
  return new S3FifoStore(options)
}

/** The share of the bounds that the small queue takes: the paper's 10 %. */
const smallShare = 0.1
/** A visit while in the small queue earns a place in the main one; the paper asks for two. */
const visitsToStay = 1
const maxVisits = 3

class S3FifoStore<Entry extends BoundedEntry<Entry>> implements BoundedStore<Entry> {
  readonly maxEntries: number
  readonly maxBytes: number | undefined
  evictions = 0
  readonly #byteLimit: number
  readonly #smallEntries: number
  readonly #smallBytes: number
  readonly #onLeave: ((entry: Entry) => void) | undefined
  readonly #entries = new Map<StoreKey, Entry>()
  readonly #small = new EntryQueue<Entry>()
  readonly #main = new EntryQueue<Entry>()
  readonly #ghosts: GhostRing

  constructor({ maxEntries, maxBytes, onLeave }: BoundedStoreOptions<Entry>) {
    this.maxEntries = maxEntries
    this.maxBytes = maxBytes
    this.#byteLimit = maxBytes ?? Infinity
    this.#smallEntries = Math.max(1, Math.floor(maxEntries * smallShare))
    this.#smallBytes = this.#byteLimit * smallShare
    this.#onLeave = onLeave
    this.#ghosts = new GhostRing(maxEntries)
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#small.bytes + this.#main.bytes
  }

  get(key: StoreKey): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry !== undefined && entry.visits < maxVisits) entry.visits++
    return entry
  }

  set(entry: Entry): boolean {
    const former = this.#entries.get(entry.key)
    if (former !== undefined) this.#leave(former)
    if (entry.bytes > this.#byteLimit) return false

    while (this.size >= this.maxEntries || this.bytes + entry.bytes > this.#byteLimit) {
      this.#evict()
    }
    entry.visits = former?.visits ?? 0
    entry.isInMain = former?.isInMain ?? this.#ghosts.take(entry.key)
    this.#queueOf(entry).push(entry)
    this.#entries.set(entry.key, entry)
    return true
  }

  delete(key: StoreKey): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#leave(entry)
    return true
  }

  clear(): void {
    for (const entry of this.#entries.values()) this.#leave(entry)
    this.#ghosts.clear()
  }

  #queueOf(entry: Entry): EntryQueue<Entry> {
    return entry.isInMain ? this.#main : this.#small
  }

  #leave(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.#queueOf(entry).remove(entry)
    this.#onLeave?.(entry)
  }

  #evict(): void {
    for (;;) {
      const takeFromSmall =
        this.#main.size === 0 ||
        this.#small.size >= this.#smallEntries ||
        this.#small.bytes >= this.#smallBytes
      const entry = takeFromSmall ? this.#small.oldest : this.#main.oldest
      if (entry === undefined) return
      if (this.#earnsAnotherRound(entry)) continue
      if (!entry.isInMain) this.#ghosts.add(entry.key)
      this.#leave(entry)
      this.evictions++
      return
    }
  }

  #earnsAnotherRound(entry: Entry): boolean {
    if (entry.isInMain) {
      if (entry.visits === 0) return false
      this.#main.remove(entry)
      entry.visits--
    } else {
      if (entry.visits < visitsToStay) return false
      this.#small.remove(entry)
      entry.isInMain = true
      entry.visits = 0
    }
    this.#main.push(entry)
    return true
  }
}
